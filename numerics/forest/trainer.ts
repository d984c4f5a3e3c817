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
import type { Team } from "../gbdt/threads/team.ts";
import type { Matrix } from "../matrix.ts";
import { checkFiniteOrMissing, checkRowIndices } from "../matrix.ts";
import type { TreeEnsembleModel } from "../model.ts";
import { resolveParameters } from "../parameter-table.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskTarget } from "../task-kind.ts";
import { checkTarget, combineWeights, countOutputs } from "../task-kind.ts";
import type { CheckpointHooks, TreeCheckpoint } from "../training-hooks.ts";
import { isCheckpointDue, stopIfAsked } from "../training-hooks.ts";
import { TreeGrower } from "./forest-tree.ts";
import type { ForestData } from "./forest-tree.ts";
import type { ForestParameters } from "./parameters.ts";
import { FOREST_PARAMETERS } from "./parameters.ts";

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
  /** Threads that grow trees; the calling one alone when absent. The model does not depend on it. */
  readonly team?: Team;
}

/**
 * Trains a forest.
 *
 * @returns a tree ensemble of scale 1 / numTrees, with post transform `identity` or `probability`
 * @throws {RangeError} for a parameter, shape, target, weight or row index out of range, or no rows
 * @throws {TrainingCancelledError} when `hooks.shouldStop` says so
 *
 * Deterministic for a seed, for any number of threads: tree i draws from a stream of its own.
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
  const team =
    trainRows.length * matrix.nColumns * parameters.numTrees < LEAST_SHARED_CELLS ? undefined : input.team;
  const values = Float64Array.from(trainRows, (row) => target.values[row]);
  const weights = combineWeights(target, trainRows, input.weights, input.classWeights);
  const centre = target.taskKind === "multiclass" ? 0 : weightedMean({ values, weights });
  const { taskKind, nClasses } = target;
  const data: ForestData = {
    target: nClasses === undefined ? { taskKind } : { taskKind, nClasses },
    values,
    weights,
    upperBounds: mapper.upperBounds,
    bins: binRowsWide(matrix, trainRows, { mapper, isShared: (team?.nThreads ?? 1) > 1 }),
    centre,
    parameters,
    seed: input.seed,
  };
  const trees = growTrees(data, grownBefore(input.resumeFrom, parameters), { team, hooks });
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

/** Cells of all trees: below, other threads would start when there is little left to do. */
const LEAST_SHARED_CELLS = 1_000_000;

/** Least trees for each thread between two checkpoints. */
const TREES_PER_THREAD = 4;

/** Those grown before and all others, from one checkpoint to the next. */
function growTrees(
  data: ForestData,
  before: readonly DecisionTree[],
  { team, hooks }: { readonly team: Team | undefined; readonly hooks: CheckpointHooks | undefined },
): DecisionTree[] {
  const { numTrees } = data.parameters;
  const trees = [...before];
  const grower = new TreeGrower(data);
  const watch = (nDone: number): void => {
    if (nDone > before.length) hooks?.onProgress?.({ iteration: nDone, of: numTrees });
    if (nDone < numTrees) stopIfAsked(hooks, nDone);
  };
  watch(trees.length);
  while (trees.length < numTrees) {
    const begin = trees.length;
    let end = begin + 1;
    if (team !== undefined) {
      // Threads wait for the last tree of each batch: several trees for each leave little of it to waiting.
      const least = begin + TREES_PER_THREAD * team.nThreads;
      while (end < numTrees && (end < least || !isCheckpointDue(hooks, end))) end += 1;
    }
    const grown = team?.growTrees({ forest: data, grower }, { begin, end }, watch);
    trees.push(...(grown ?? [grower.grow(begin)]));
    watch(end);
    if (isCheckpointDue(hooks, end))
      hooks?.onCheckpoint?.({ iteration: end, trees: [...trees], history: [] });
  }
  return trees;
}

function weightedMean({ values, weights }: Pick<ForestData, "values" | "weights">): number {
  let total = 0;
  let weightSum = 0;
  for (let row = 0; row < values.length; row++) {
    const weight = weights === null ? 1 : weights[row];
    total += weight * values[row];
    weightSum += weight;
  }
  return total / weightSum;
}
