/** One tree of a forest, from what all of them share. */
import type { DecisionTree } from "../decision-tree.ts";
import { createGenerator } from "../random/generator.ts";
import type { Generator } from "../random/generator.ts";
import { countOutputs } from "../task-kind.ts";
import type { TaskTarget } from "../task-kind.ts";
import { BorderKnots } from "./border-draw.ts";
import { CountCriterion } from "./count-criterion.ts";
import type { Criterion, CriterionOptions } from "./criterion.ts";
import { GiniCriterion } from "./gini-criterion.ts";
import { growForestTree } from "./grower.ts";
import type { ForestParameters } from "./parameters.ts";
import { TreeBuffer } from "./tree-buffer.ts";
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

/** Grows trees by their number: each draws from a stream of its own, and is the same on any thread. */
export class TreeGrower {
  readonly #data: ForestData;
  readonly #generator: Generator;
  readonly #knots: readonly BorderKnots[] | null;
  readonly #buffer: TreeBuffer;

  constructor(data: ForestData) {
    this.#data = data;
    this.#generator = createGenerator(data.seed);
    this.#buffer = new TreeBuffer(data.target.taskKind === "multiclass" ? countOutputs(data.target) : 1);
    const isRandom = data.parameters.splitter === "random";
    this.#knots = isRandom ? data.upperBounds.map((bounds) => new BorderKnots(bounds)) : null;
  }

  grow(index: number): DecisionTree {
    this.#grow(index);
    return this.#buffer.toTree();
  }

  /** The same for `unpackTree`. */
  growPacked(index: number): Float64Array {
    this.#grow(index);
    return this.#buffer.pack(index);
  }

  #grow(index: number): void {
    const data = this.#data;
    const knots = this.#knots;
    const generator = this.#generator.fork(`tree/${index}`);
    const { minSamplesLeaf, maxDepth, maxFeatures, maxSamples } = data.parameters;
    const nRows = data.values.length;
    const nDrawn = Math.max(1, Math.round(nRows * maxSamples));
    const drawn =
      knots === null ? drawBootstrap(nRows, nDrawn, generator) : drawOnce(nRows, nDrawn, generator);
    const nFeatures = data.upperBounds.length;
    const share = data.target.taskKind === "regression" ? nFeatures / 3 : Math.sqrt(nFeatures);
    const nTried = maxFeatures === 0 ? Math.floor(share) : Math.round(nFeatures * maxFeatures);
    growForestTree(this.#buffer, {
      criterion: createCriterion(data, drawn, { minSamplesLeaf, isDrawnOnce: knots !== null }),
      bins: data.bins,
      upperBounds: data.upperBounds,
      rows: knots === null ? drawn.filter((row, place) => place === 0 || row !== drawn[place - 1]) : drawn,
      generator,
      nFeaturesTried: Math.max(1, nTried),
      maxDepth,
      knots,
    });
  }
}

/** `nDrawn` draws of all rows, ascending; a row drawn twice is listed twice. */
function drawBootstrap(nRows: number, nDrawn: number, generator: Generator): Int32Array {
  const draws = new Int32Array(nRows);
  for (let draw = 0; draw < nDrawn; draw++) draws[generator.integer(nRows)] += 1;
  const drawn = new Int32Array(nDrawn);
  let at = 0;
  for (let row = 0; row < nRows; row++) for (let draw = 0; draw < draws[row]; draw++) drawn[at++] = row;
  return drawn;
}

/** `nDrawn` of all rows, none twice, ascending. */
function drawOnce(nRows: number, nDrawn: number, generator: Generator): Int32Array {
  const rows = new Int32Array(nRows);
  for (let row = 0; row < nRows; row++) rows[row] = row;
  return nDrawn >= nRows ? rows : generator.shuffle(rows).slice(0, nDrawn).sort();
}

function createCriterion(
  { target, values, weights, centre }: ForestData,
  drawn: Int32Array,
  options: CriterionOptions & { readonly isDrawnOnce: boolean },
): Criterion {
  if (target.taskKind === "multiclass") {
    return new GiniCriterion({ values, weights, nClasses: countOutputs(target) }, drawn, options);
  }
  const isCounted = target.taskKind === "binary" && weights === null && options.isDrawnOnce;
  return isCounted
    ? new CountCriterion({ values, centre }, options)
    : new VarianceCriterion({ values, weights, centre }, drawn, options);
}
