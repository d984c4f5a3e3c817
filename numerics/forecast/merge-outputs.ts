import type { DecisionTree } from "../decision-tree.ts";
import type { ConstantModel, LinearModel, TrainedModel, TreeEnsembleModel } from "../model.ts";
import { restateLinear } from "../model-average.ts";

/**
 * Models of one output each as one model of several, so that a forecast of many horizons and quantiles is one graph.
 *
 * @param models  at least one, all regressions of one kind, feature count and scale, one output each
 * @param copies  outputs that each model fills with the same score, ≥ 1
 * @returns a model of models · copies outputs, those of a model beside each other
 * @throws {RangeError} when there is none, or they cannot be one
 */
export function mergeOutputs(models: readonly TrainedModel[], copies = 1): TrainedModel {
  const [first] = models;
  if (first === undefined) throw new RangeError("models must hold at least one, got 0");
  models.forEach((model, index) => checkMergeable(first, model, index));
  const shape = { ...first, nOutputs: models.length * copies };
  switch (shape.kind) {
    case "tree_ensemble":
      return mergeTrees(shape, ofKind(models, "tree_ensemble"), copies);
    case "linear":
      return mergeLinear(shape, ofKind(models, "linear"), copies);
    case "constant":
      return mergeConstants(shape, ofKind(models, "constant"), copies);
    case "blend":
    case "pca_monitor":
      throw new RangeError(`models of kind ${shape.kind} cannot be outputs of one: train others`);
  }
}

function ofKind<K extends TrainedModel["kind"]>(
  models: readonly TrainedModel[],
  kind: K,
): Extract<TrainedModel, { kind: K }>[] {
  return models.filter((model): model is Extract<TrainedModel, { kind: K }> => model.kind === kind);
}

function checkMergeable(first: TrainedModel, model: TrainedModel, index: number): void {
  for (const key of ["kind", "taskKind", "nFeatures", "postTransform"] as const) {
    if (model[key] === first[key]) continue;
    throw new RangeError(`models[${index}].${key} must be ${first[key]} as in the first, got ${model[key]}`);
  }
  if (model.nOutputs !== 1 || model.taskKind !== "regression") {
    throw new RangeError(
      `models[${index}] must be a regression of 1 output, got ${model.taskKind} of ${model.nOutputs}`,
    );
  }
}

function mergeTrees(
  shape: TreeEnsembleModel,
  models: readonly TreeEnsembleModel[],
  copies: number,
): TreeEnsembleModel {
  const other = models.find(({ scale }) => scale !== shape.scale);
  if (other !== undefined) {
    throw new RangeError(`models must have one scale, got ${shape.scale} and ${other.scale}`);
  }
  return {
    ...shape,
    base: models.flatMap(({ base }) => repeat(base, copies)),
    trees: models.flatMap(({ trees }, index) => trees.map((tree) => widen(tree, index * copies, copies))),
  };
}

/** A tree of one output that adds its leaf values to `copies` outputs from `output` on. */
function widen(tree: DecisionTree, output: number, copies: number): DecisionTree {
  return { ...tree, output, width: copies, value: tree.value.flatMap((value) => repeat([value], copies)) };
}

function mergeLinear(shape: LinearModel, models: readonly LinearModel[], copies: number): LinearModel {
  const restated = models.map((model) => restateLinear(model, shape));
  return {
    ...shape,
    coefficients: restated.flatMap(({ coefficients }) => repeat(coefficients, copies)),
    intercepts: restated.flatMap(({ intercepts }) => repeat(intercepts, copies)),
  };
}

function mergeConstants(
  shape: ConstantModel,
  models: readonly ConstantModel[],
  copies: number,
): ConstantModel {
  return { ...shape, base: models.flatMap(({ base }) => repeat(base, copies)) };
}

function repeat(values: readonly number[], copies: number): number[] {
  return Array.from({ length: copies }, () => values).flat();
}
