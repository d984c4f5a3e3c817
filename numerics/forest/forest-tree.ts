/** One tree of a forest, from what all of them share. */
import type { DecisionTree } from "../decision-tree.ts";
import { createGenerator } from "../random/generator.ts";
import type { Generator } from "../random/generator.ts";
import { countOutputs } from "../task-kind.ts";
import type { TaskTarget } from "../task-kind.ts";
import type { Criterion } from "./criterion.ts";
import { GiniCriterion } from "./gini-criterion.ts";
import { growForestTree } from "./grower.ts";
import type { ForestParameters } from "./parameters.ts";
import { VarianceCriterion } from "./variance-criterion.ts";

/** All that a thread needs to grow trees of a forest: plain data and typed arrays. */
export interface ForestData {
  readonly target: Pick<TaskTarget, "taskKind" | "nClasses">;
  /** Float64Array (training rows). */
  readonly values: Float64Array;
  /** Float64Array (training rows), or null for 1. */
  readonly weights: Float64Array | null;
  readonly upperBounds: readonly Float64Array[];
  /** Uint16Array, row-major (training rows × features); in shared memory where threads share it. */
  readonly bins: Uint16Array;
  /** What leaves are relative to. */
  readonly centre: number;
  readonly parameters: ForestParameters;
  readonly seed: number | string;
}

/** Tree number `index`: it draws from a stream of its own, and is the same on any thread. */
export function growTreeOf(data: ForestData, index: number): DecisionTree {
  const { minSamplesLeaf, maxDepth, maxFeatures, maxSamples, splitter } = data.parameters;
  const generator = createGenerator(data.seed).fork(`tree/${index}`);
  const nRows = data.values.length;
  const nDrawn = Math.max(1, Math.round(nRows * maxSamples));
  const isRandom = splitter === "random";
  const drawn = isRandom
    ? drawOnce(nRows, nDrawn, generator)
    : Int32Array.from({ length: nDrawn }, () => generator.integer(nRows)).sort();
  const nFeatures = data.upperBounds.length;
  const share = data.target.taskKind === "regression" ? nFeatures / 3 : Math.sqrt(nFeatures);
  const nTried = maxFeatures === 0 ? Math.floor(share) : Math.round(nFeatures * maxFeatures);
  return growForestTree({
    criterion: createCriterion(data, drawn, minSamplesLeaf),
    bins: data.bins,
    upperBounds: data.upperBounds,
    rows: drawn.filter((row, place) => place === 0 || row !== drawn[place - 1]),
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

function createCriterion(data: ForestData, drawn: Int32Array, minSamplesLeaf: number): Criterion {
  const { target, values, weights, centre } = data;
  if (target.taskKind === "multiclass") {
    return new GiniCriterion({ values, weights, nClasses: countOutputs(target) }, drawn, { minSamplesLeaf });
  }
  return new VarianceCriterion({ values, weights, centre }, drawn, { minSamplesLeaf });
}
