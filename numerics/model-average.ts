/** Several trainings of one kind, of other seeds or folds, as one model. */
import type { BlendModel, ConstantModel, LinearModel, TrainedModel, TreeEnsembleModel } from "./model.ts";

/**
 * Averages raw scores: the mean of answers for regression and forests, of log-odds for boosted and
 * logistic classes. The result is one ordinary model, so it exports as one graph.
 *
 * @param models at least one, all of one kind and shape; tree ensembles of one scale
 * @throws {RangeError} when there is none, they differ in kind, task, shape, transform or scale, or are of a kind
 *   without a mean
 */
export function averageModels(models: readonly TrainedModel[]): TrainedModel {
  const [first] = models;
  if (first === undefined) throw new RangeError("models must hold at least one, got 0");
  if (models.length === 1) return first;
  models.forEach((model, index) => checkAlike(first, model, index));
  switch (first.kind) {
    case "tree_ensemble":
      return averageTrees(
        first,
        models.filter((model) => model.kind === "tree_ensemble"),
      );
    case "linear":
      return averageLinear(
        first,
        models.filter((model) => model.kind === "linear"),
      );
    case "constant":
      return averageConstants(
        first,
        models.filter((model) => model.kind === "constant"),
      );
    case "blend":
      return averageBlends(
        first,
        models.filter((model) => model.kind === "blend"),
      );
    case "pca_monitor":
      // Distances are no sums: the mean of two is no distance of a third, and nothing is drawn that would need one.
      throw new RangeError("models of kind pca_monitor have no mean: train one");
  }
}

function checkAlike(first: TrainedModel, model: TrainedModel, index: number): void {
  for (const key of ["kind", "taskKind", "nFeatures", "nOutputs", "postTransform"] as const) {
    if (model[key] !== first[key]) {
      throw new RangeError(
        `models[${index}].${key} must be ${first[key]} as in the first, got ${model[key]}`,
      );
    }
  }
}

function averageTrees(first: TreeEnsembleModel, models: readonly TreeEnsembleModel[]): TreeEnsembleModel {
  for (const model of models) {
    if (model.scale !== first.scale) {
      throw new RangeError(`models must have one scale, got ${first.scale} and ${model.scale}`);
    }
  }
  return {
    ...first,
    base: meanOf(models.map((model) => model.base)),
    scale: first.scale / models.length,
    trees: models.flatMap((model) => model.trees),
  };
}

/** Coefficients over one standardisation, the first model's, whose means then stand for missing values too. */
function averageLinear(first: LinearModel, models: readonly LinearModel[]): LinearModel {
  const restated = models.map((model) => restateLinear(model, first));
  return {
    ...first,
    coefficients: meanOf(restated.map((model) => model.coefficients)),
    intercepts: meanOf(restated.map((model) => model.intercepts)),
  };
}

/** A linear model's coefficients and intercepts over another standardisation. */
export function restateLinear(
  model: LinearModel,
  { means, scales }: Pick<LinearModel, "means" | "scales">,
): Pick<LinearModel, "coefficients" | "intercepts"> {
  const { nFeatures } = model;
  const intercepts = [...model.intercepts];
  const coefficients = model.coefficients.map((coefficient, index) => {
    const column = index % nFeatures;
    const slope = coefficient / model.scales[column];
    intercepts[Math.floor(index / nFeatures)] += slope * (means[column] - model.means[column]);
    return slope * scales[column];
  });
  return { coefficients, intercepts };
}

function averageConstants(first: ConstantModel, models: readonly ConstantModel[]): ConstantModel {
  return { ...first, base: meanOf(models.map((model) => model.base)) };
}

function averageBlends(first: BlendModel, models: readonly BlendModel[]): BlendModel {
  return {
    ...first,
    members: models.flatMap((model) => model.members),
    weights: models.flatMap((model) => model.weights.map((weight) => weight / models.length)),
  };
}

function meanOf(lists: readonly (readonly number[])[]): number[] {
  return lists[0].map((_, index) => lists.reduce((sum, list) => sum + list[index], 0) / lists.length);
}
