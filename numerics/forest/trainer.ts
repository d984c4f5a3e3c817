/**
 * Random forest: trees grown deep on bootstrap samples, each split choosing among a random share of
 * the features, averaged. Needs no tuning, gives a second opinion beside boosting. With random splitters they are extra
 * trees: one drawn threshold per feature tried, rows drawn once each.
 *
 * Leaves of regression and binary trees hold deviations from the mean of the target, which is the
 * model's base: the sum of many trees stays small and loses nothing in the graph's float32 output.
 *
 * Source: Breiman 2001 (doi:10.1023/A:1010933404324); class probabilities averaged as in scikit-learn,
 * not voted.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { binRowsWide, fitBins } from "../gbdt/binning.ts";
import type { BinMapper } from "../gbdt/binning.ts";
import type { Matrix } from "../matrix.ts";
import { checkFiniteOrMissing, checkRowIndices } from "../matrix.ts";
import type { TreeEnsembleModel } from "../model.ts";
import { resolveParameters } from "../parameter-table.ts";
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskTarget } from "../task-kind.ts";
import { checkTarget, combineWeights, countOutputs } from "../task-kind.ts";
import type { CheckpointHooks, TreeCheckpoint } from "../training-hooks.ts";
import { isCheckpointDue, stopIfAsked } from "../training-hooks.ts";
import type { Criterion, CriterionOptions } from "./criterion.ts";
import { GiniCriterion } from "./gini-criterion.ts";
import { growForestTree } from "./grower.ts";
import type { ForestParameters } from "./parameters.ts";
import { FOREST_PARAMETERS } from "./parameters.ts";
import { VarianceCriterion } from "./variance-criterion.ts";

export interface ForestInput {
  /** Finite or NaN. */
  readonly matrix: Matrix;
  readonly target: TaskTarget;
  /** Rows to train on; all when absent. */
  readonly trainRows?: Int32Array;
  /** Float64Array (matrix.nRows), ≥ 0. */
  readonly weights?: Float64Array;
  /** One factor per class code. */
  readonly classWeights?: readonly number[];
  readonly parameters?: Partial<ForestParameters>;
  readonly seed: number | string;
  readonly hooks?: CheckpointHooks;
  /** Continue the training that gave this checkpoint, with the same input otherwise. */
  readonly resumeFrom?: TreeCheckpoint;
}

/**
 * Trains a forest.
 *
 * @returns a tree ensemble of scale 1 / numTrees, with post transform `identity` or `probability`
 * @throws {RangeError} for a parameter, shape, target, weight or row index out of range, or no rows
 * @throws {TrainingCancelledError} when `hooks.shouldStop` says so
 *
 * Deterministic for a seed: tree i draws from a stream of its own.
 */
export function trainForest(input: ForestInput): TreeEnsembleModel {
  const { matrix, target, hooks } = input;
  const parameters = resolveParameters(FOREST_PARAMETERS, input.parameters ?? {});
  checkFiniteOrMissing(matrix);
  const trainRows = input.trainRows ?? Int32Array.from({ length: matrix.nRows }, (_, row) => row);
  if (trainRows.length === 0) throw new RangeError("trainRows must hold at least one row, got 0");
  checkRowIndices("trainRows", trainRows, matrix.nRows);
  checkTarget(target, matrix.nRows, trainRows);
  const generator = createGenerator(input.seed);
  const { maxBin, minDataInBin, binConstructSampleCnt } = parameters;
  const mapper = fitBins(matrix, trainRows, {
    maxBin,
    minDataInBin,
    sampleRows: binConstructSampleCnt,
    generator: generator.fork("bins"),
  });
  const data: ForestData = {
    target,
    values: Float64Array.from(trainRows, (row) => target.values[row]),
    weights: combineWeights(target, trainRows, input.weights, input.classWeights),
    mapper,
    bins: binRowsWide(matrix, trainRows, mapper),
  };
  const centre = target.taskKind === "multiclass" ? 0 : weightedMean(data);
  const trees = grownBefore(input.resumeFrom, parameters);
  for (let index = trees.length; index < parameters.numTrees; index++) {
    stopIfAsked(hooks, index);
    trees.push(growOne(data, parameters, { generator: generator.fork(`tree/${index}`), centre }));
    hooks?.onProgress?.({ iteration: index + 1, of: parameters.numTrees });
    if (isCheckpointDue(hooks, index + 1))
      hooks?.onCheckpoint?.({ iteration: index + 1, trees: [...trees], history: [] });
  }
  const nOutputs = countOutputs(target);
  return {
    kind: "tree_ensemble",
    taskKind: target.taskKind,
    nFeatures: matrix.nColumns,
    nOutputs,
    postTransform: target.taskKind === "regression" ? "identity" : "probability",
    base: Array.from({ length: nOutputs }, () => centre),
    scale: 1 / parameters.numTrees,
    trees,
  };
}

/** @throws {RangeError} when the checkpoint is not one of a forest of this size */
function grownBefore(resumeFrom: TreeCheckpoint | undefined, { numTrees }: ForestParameters): DecisionTree[] {
  const { trees, iteration } = resumeFrom ?? { trees: [], iteration: 0 };
  if (trees.length === iteration && iteration <= numTrees) return [...trees];
  throw new RangeError(
    `resumeFrom must hold a tree per iteration [${iteration}] and at most ${numTrees}, got ${trees.length}`,
  );
}

interface ForestData {
  readonly target: TaskTarget;
  readonly values: Float64Array;
  readonly weights: Float64Array | null;
  readonly mapper: BinMapper;
  readonly bins: Uint16Array;
}

function growOne(
  data: ForestData,
  parameters: ForestParameters,
  { generator, centre }: { readonly generator: Generator; readonly centre: number },
): DecisionTree {
  const { minSamplesLeaf, maxDepth, maxFeatures, maxSamples, splitter } = parameters;
  const nRows = data.values.length;
  const nDrawn = Math.max(1, Math.round(nRows * maxSamples));
  const isRandom = splitter === "random";
  const drawn = isRandom
    ? drawOnce(nRows, nDrawn, generator)
    : Int32Array.from({ length: nDrawn }, () => generator.integer(nRows)).sort();
  const nFeatures = data.mapper.upperBounds.length;
  const share = data.target.taskKind === "regression" ? nFeatures / 3 : Math.sqrt(nFeatures);
  const nTried = maxFeatures === 0 ? Math.floor(share) : Math.round(nFeatures * maxFeatures);
  return growForestTree({
    criterion: createCriterion(data, drawn, { minSamplesLeaf, centre }),
    bins: data.bins,
    upperBounds: data.mapper.upperBounds,
    rows: drawn.filter((row, index) => index === 0 || row !== drawn[index - 1]),
    generator,
    nFeaturesTried: Math.max(1, nTried),
    maxDepth,
    isRandom,
  });
}

/** `nDrawn` of all rows, none twice, ascending. */
function drawOnce(nRows: number, nDrawn: number, generator: Generator): Int32Array {
  const rows = Int32Array.from({ length: nRows }, (_, row) => row);
  return nDrawn >= nRows ? rows : generator.shuffle(rows).slice(0, nDrawn).sort();
}

function createCriterion(
  { target, values, weights }: ForestData,
  drawn: Int32Array,
  options: CriterionOptions & { readonly centre: number },
): Criterion {
  if (target.taskKind === "multiclass") {
    return new GiniCriterion({ values, weights, nClasses: countOutputs(target) }, drawn, options);
  }
  return new VarianceCriterion({ values, weights, centre: options.centre }, drawn, options);
}

function weightedMean({ values, weights }: ForestData): number {
  let total = 0;
  let weightSum = 0;
  for (let row = 0; row < values.length; row++) {
    const weight = weights === null ? 1 : weights[row];
    total += weight * values[row];
    weightSum += weight;
  }
  return total / weightSum;
}
