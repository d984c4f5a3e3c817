/**
 * What a forest's split gains and what its leaves answer.
 *
 *   regression, binary   drop of the weighted variance: the gain of boosting with g = −w (y − ȳ), h = w
 *                        (for 0/1 targets the variance is half the Gini impurity, so both rank alike)
 *   multi-class          drop of the Gini impurity: Σ L_k²/L + Σ R_k²/R − Σ T_k²/T over class weights
 *
 * Both search one feature of one node at a time, in a small histogram that stays in the first cache:
 * a forest looks at few features per node, so counting all and subtracting siblings would not pay.
 */
import { MISSING_BIN } from "../gbdt/binning.ts";
import type { Packing } from "../gbdt/histogram.ts";
import { packGradients, unpackSums } from "../gbdt/histogram.ts";
import type { PackedTotals, Split, SplitLimits } from "../gbdt/splitting.ts";
import { leastGain, scanFeature } from "../gbdt/splitting.ts";

/** Rows of a node: `rows[begin … end)`, each once however often it was drawn. */
export interface NodeRows {
  readonly rows: Int32Array;
  readonly begin: number;
  readonly end: number;
}

/** A feature's bins, one byte per training row. */
export interface FeatureBins {
  readonly index: number;
  readonly nValueBins: number;
  readonly bins: Uint8Array;
}

export interface Criterion {
  /** Outputs per leaf. */
  readonly width: number;
  /** Prepares the search of one node; returns what a split must gain more than, Infinity for never. */
  enter(node: NodeRows): number;
  /** Improves `best` with the best split of one feature of the node entered. */
  scan(node: NodeRows, feature: FeatureBins, best: Split): void;
  /** Appends a leaf's outputs, `width` numbers, to the place `at` of `values`. */
  writeLeaf(node: NodeRows, values: number[], at: number): void;
}

const SMALL_NODE_BITS = 5;
/** Up to here sorting the rows' bins is faster than walking all bins. */
const SMALL_NODE_ROWS = 2 ** SMALL_NODE_BITS;

/** Variance of one output around `centre`, which the leaves' values are relative to. */
export class VarianceCriterion implements Criterion {
  readonly width = 1;
  /** Weight · (value − centre) · draws of each row. */
  readonly #residuals: Float64Array;
  /** Weight · draws of each row. */
  readonly #weights: Float64Array;
  readonly #packing: Packing;
  readonly #limits: SplitLimits;
  readonly #histogram: Float64Array;
  /** Packed rows of the node entered, in its order: read again for every feature tried. */
  readonly #gathered: Float64Array;
  readonly #keys = new Int32Array(SMALL_NODE_ROWS);
  readonly #touched = new Int32Array(SMALL_NODE_ROWS + 1);
  #totals: PackedTotals = { first: 0, second: 0 };

  /**
   * @param target values and weights (null for 1) of all training rows, and the centre
   * @param drawn  rows of the tree, a row drawn twice listed twice
   */
  constructor(
    target: { readonly values: Float64Array; readonly weights: Float64Array | null; readonly centre: number },
    drawn: Int32Array,
    options: { readonly nBins: number; readonly minSamplesLeaf: number },
  ) {
    const { values, weights, centre } = target;
    const residuals = values.map((value, row) => (weights?.[row] ?? 1) * (value - centre));
    this.#packing = packGradients(residuals, weights, drawn);
    // Drawn twice is counted once with twice the sums, which stay exact: a third of the rows fewer.
    const draws = countDraws(drawn, values.length);
    const { lanes, rows } = this.#packing;
    for (let index = 0; index < rows.length; index++) rows[index] *= draws[Math.floor(index / lanes)];
    this.#residuals = residuals.map((residual, row) => draws[row] * residual);
    this.#weights = draws.map((count, row) => count * (weights?.[row] ?? 1));
    this.#limits = {
      lambdaL2: 0,
      minDataInLeaf: options.minSamplesLeaf,
      // Only keeps children of weight 0 out of the division.
      minSumHessianInLeaf: Number.MIN_VALUE,
      minGainToSplit: 0,
    };
    this.#histogram = new Float64Array(Math.max(options.nBins, SMALL_NODE_ROWS + 1) * this.#packing.lanes);
    this.#gathered = new Float64Array(drawn.length * this.#packing.lanes);
  }

  enter({ rows, begin, end }: NodeRows): number {
    const { lanes, rows: packed } = this.#packing;
    const gathered = this.#gathered;
    let first = 0;
    let second = 0;
    let at = 0;
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      first += gathered[at++] = packed[row * lanes];
      if (lanes === 2) second += gathered[at++] = packed[row * 2 + 1];
    }
    this.#totals = { first, second };
    const sums = { gradient: 0, hessian: 0, count: 0 };
    unpackSums(this.#packing, first, second, sums);
    return sums.count < 2 * this.#limits.minDataInLeaf ? Infinity : leastGain(sums, this.#limits);
  }

  scan({ rows, begin, end }: NodeRows, feature: FeatureBins, best: Split): void {
    const nRows = end - begin;
    if (nRows <= SMALL_NODE_ROWS) {
      this.#scanSmall({ rows, begin, end }, feature, best);
      return;
    }
    const histogram = this.#histogram.fill(0);
    if (this.#packing.lanes === 1) addOneLane(histogram, feature.bins, { rows, begin, end }, this.#gathered);
    else addTwoLanes(histogram, feature.bins, { rows, begin, end }, this.#gathered);
    const node = { totals: this.#totals, packing: this.#packing, limits: this.#limits };
    scanFeature(histogram, 0, feature, node, best);
  }

  /** A small node touches few bins: they are sorted and scanned without the empty ones between. */
  #scanSmall({ rows, begin, end }: NodeRows, feature: FeatureBins, best: Split): void {
    const { lanes } = this.#packing;
    const keys = this.#keys.subarray(0, end - begin);
    for (let index = 0; index < keys.length; index++) {
      keys[index] = (feature.bins[rows[begin + index]] << SMALL_NODE_BITS) | index;
    }
    insertionSort(keys);
    const histogram = this.#histogram;
    const touched = this.#touched;
    // Place 0 stays that of the missing bin, empty or not.
    touched[0] = MISSING_BIN;
    histogram.fill(0, 0, (keys.length + 1) * lanes);
    let last = 0;
    for (const key of keys) {
      const bin = key >> SMALL_NODE_BITS;
      const index = key & (SMALL_NODE_ROWS - 1);
      if (bin !== touched[last]) touched[++last] = bin;
      histogram[last * lanes] += this.#gathered[index * lanes];
      if (lanes === 2) histogram[last * lanes + 1] += this.#gathered[index * lanes + 1];
    }
    const gainBefore = best.gain;
    const node = { totals: this.#totals, packing: this.#packing, limits: this.#limits };
    scanFeature(histogram, 0, { index: feature.index, nValueBins: last }, node, best);
    // The last place is chosen only where all present values go left, whatever bins lie above.
    if (best.gain > gainBefore) best.bin = best.bin === last ? feature.nValueBins : touched[best.bin];
  }

  writeLeaf({ rows, begin, end }: NodeRows, values: number[], at: number): void {
    let residual = 0;
    let weight = 0;
    for (let index = begin; index < end; index++) {
      residual += this.#residuals[rows[index]];
      weight += this.#weights[rows[index]];
    }
    values[at] = weight > 0 ? residual / weight : 0;
  }
}

function countDraws(drawn: Int32Array, nRows: number): Float64Array {
  const draws = new Float64Array(nRows);
  for (const row of drawn) draws[row] += 1;
  return draws;
}

function insertionSort(keys: Int32Array): void {
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index];
    let at = index;
    for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
    keys[at] = key;
  }
}

function addOneLane(
  histogram: Float64Array,
  bins: Uint8Array,
  { rows, begin, end }: NodeRows,
  gathered: Float64Array,
): void {
  const nRows = end - begin;
  for (let index = 0; index < nRows; index++) histogram[bins[rows[begin + index]]] += gathered[index];
}

function addTwoLanes(
  histogram: Float64Array,
  bins: Uint8Array,
  { rows, begin, end }: NodeRows,
  gathered: Float64Array,
): void {
  const nRows = end - begin;
  for (let index = 0; index < nRows; index++) {
    const at = 2 * bins[rows[begin + index]];
    histogram[at] += gathered[2 * index];
    histogram[at + 1] += gathered[2 * index + 1];
  }
}

const ROUNDING_RATIO = 1e-12;

/** Gini impurity of several classes. Histogram: [bin · (K + 1) + class], the last lane counting rows. */
export class GiniCriterion implements Criterion {
  readonly width: number;
  readonly #codes: Float64Array;
  readonly #draws: Float64Array;
  /** Weight · draws of each row. */
  readonly #weights: Float64Array;
  readonly #minSamplesLeaf: number;
  readonly #histogram: Float64Array;
  readonly #totals: Float64Array;
  readonly #left: Float64Array;

  /** @param drawn rows of the tree, a row drawn twice listed twice */
  constructor(
    target: {
      readonly values: Float64Array;
      readonly weights: Float64Array | null;
      readonly nClasses: number;
    },
    drawn: Int32Array,
    options: { readonly nBins: number; readonly minSamplesLeaf: number },
  ) {
    this.width = target.nClasses;
    this.#codes = target.values;
    this.#draws = countDraws(drawn, target.values.length);
    this.#weights = this.#draws.map((count, row) => count * (target.weights?.[row] ?? 1));
    this.#minSamplesLeaf = options.minSamplesLeaf;
    this.#histogram = new Float64Array(options.nBins * (this.width + 1));
    this.#totals = new Float64Array(this.width + 1);
    this.#left = new Float64Array(this.width + 1);
  }

  enter({ rows, begin, end }: NodeRows): number {
    this.#totals.fill(0);
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      this.#totals[this.#codes[row]] += this.#weights[row];
      this.#totals[this.width] += this.#draws[row];
    }
    if (this.#totals[this.width] < 2 * this.#minSamplesLeaf) return Infinity;
    // Σ T_k²/T is at most the weight T, and its rounding 1e-16 of that.
    return ROUNDING_RATIO * this.#weightOf(this.#totals);
  }

  scan({ rows, begin, end }: NodeRows, feature: FeatureBins, best: Split): void {
    const stride = this.width + 1;
    const histogram = this.#histogram.fill(0);
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      const at = feature.bins[row] * stride;
      histogram[at + this.#codes[row]] += this.#weights[row];
      histogram[at + this.width] += this.#draws[row];
    }
    const hasMissing = histogram[this.width] > 0;
    for (const isMissingLeft of hasMissing ? [false, true] : [false]) {
      this.#left.fill(0);
      if (isMissingLeft) this.#addBin(MISSING_BIN);
      const lastBin = hasMissing ? feature.nValueBins : feature.nValueBins - 1;
      for (let bin = 1; bin <= lastBin; bin++) {
        if (histogram[bin * stride + this.width] === 0) continue;
        this.#addBin(bin);
        const count = this.#left[this.width];
        if (count < this.#minSamplesLeaf) continue;
        if (this.#totals[this.width] - count < this.#minSamplesLeaf) break;
        const gain = this.#gain();
        if (gain > best.gain) {
          best.feature = feature.index;
          // With only missing rows to the right, no value may join them: not even one beyond this node's.
          const isAllPresentLeft =
            hasMissing && !isMissingLeft && count === this.#totals[this.width] - histogram[this.width];
          best.bin = isAllPresentLeft ? feature.nValueBins : bin;
          best.gain = gain;
          best.isMissingLeft = hasMissing ? isMissingLeft : 2 * count >= this.#totals[this.width];
        }
      }
    }
  }

  writeLeaf(node: NodeRows, values: number[], at: number): void {
    this.enter(node);
    const weight = this.#weightOf(this.#totals);
    for (let k = 0; k < this.width; k++) {
      // A leaf of weight 0 knows nothing: all classes alike.
      values[at + k] = weight > 0 ? this.#totals[k] / weight : 1 / this.width;
    }
  }

  #weightOf(sums: Float64Array): number {
    let weight = 0;
    for (let k = 0; k < this.width; k++) weight += sums[k];
    return weight;
  }

  #addBin(bin: number): void {
    const at = bin * (this.width + 1);
    for (let k = 0; k <= this.width; k++) this.#left[k] += this.#histogram[at + k];
  }

  #gain(): number {
    let [leftSquares, rightSquares, totalSquares] = [0, 0, 0];
    let [leftWeight, totalWeight] = [0, 0];
    for (let k = 0; k < this.width; k++) {
      const left = this.#left[k];
      const total = this.#totals[k];
      leftSquares += left * left;
      rightSquares += (total - left) * (total - left);
      totalSquares += total * total;
      leftWeight += left;
      totalWeight += total;
    }
    const rightWeight = totalWeight - leftWeight;
    if (!(leftWeight > 0 && rightWeight > 0)) return 0;
    return leftSquares / leftWeight + rightSquares / rightWeight - totalSquares / totalWeight;
  }
}
