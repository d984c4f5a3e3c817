/**
 * Gini impurity of several classes: rows are ordered by bin and moved one by one from right to left.
 *
 *   gain = Σ L_k²/L + Σ R_k²/R − Σ T_k²/T      over class weights of the left child, the right, the node
 *
 * Moving a row of weight w and class k changes Σ L_k² by w (2 L_k + w), so a split costs O(1) whatever
 * the number of classes and of bins.
 */
import { MISSING_BIN } from "../gbdt/binning.ts";
import type { Split } from "../gbdt/splitting.ts";
import { BinOrder } from "./bin-order.ts";
import type { Criterion, CriterionOptions, NodeFeature, NodeRows } from "./criterion.ts";
import { countDraws, pickRows } from "./criterion.ts";

/** Gains below this share of the node's weight are rounding of the equation, not a better fit. */
const ROUNDING_RATIO = 1e-12;

/** What is known of each row. */
interface GiniRows {
  readonly classes: Float64Array;
  readonly draws: Float64Array;
  /** Weight · draws. */
  readonly weights: Float64Array;
}

export class GiniCriterion implements Criterion {
  readonly width: number;
  readonly #all: GiniRows;
  #rows: GiniRows;
  readonly #minSamplesLeaf: number;
  readonly #ordered: BinOrder;
  /** Class weights of the node entered, and of what moved left. */
  readonly #totals: Float64Array;
  readonly #left: Float64Array;
  #totalCount = 0;
  #totalWeight = 0;
  #totalSquares = 0;

  /** @param drawn rows of the tree, a row drawn twice listed twice */
  constructor(
    target: {
      readonly values: Float64Array;
      readonly weights: Float64Array | null;
      readonly nClasses: number;
    },
    drawn: Int32Array,
    options: CriterionOptions,
  ) {
    this.width = target.nClasses;
    const draws = countDraws(drawn, target.values.length);
    const weights = draws.map((count, row) => count * (target.weights?.[row] ?? 1));
    this.#all = { classes: target.values, draws, weights };
    this.#rows = this.#all;
    this.#minSamplesLeaf = options.minSamplesLeaf;
    this.#ordered = new BinOrder(drawn.length);
    this.#totals = new Float64Array(this.width);
    this.#left = new Float64Array(this.width);
  }

  focus(node: NodeRows | null): void {
    const { classes, draws, weights } = this.#all;
    this.#rows =
      node === null
        ? this.#all
        : {
            classes: pickRows(classes, node),
            draws: pickRows(draws, node),
            weights: pickRows(weights, node),
          };
  }

  enter({ rows, begin, end }: NodeRows): number {
    this.#totals.fill(0);
    this.#totalCount = 0;
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      this.#totals[this.#rows.classes[row]] += this.#rows.weights[row];
      this.#totalCount += this.#rows.draws[row];
    }
    this.#totalWeight = this.#totals.reduce((sum, weight) => sum + weight, 0);
    this.#totalSquares = this.#totals.reduce((sum, weight) => sum + weight * weight, 0);
    const isPure = this.#totals.filter((weight) => weight > 0).length < 2;
    if (isPure || this.#totalCount < 2 * this.#minSamplesLeaf) return Infinity;
    // Σ T_k²/T is at most the weight T, and its rounding 1e-16 of that.
    return ROUNDING_RATIO * this.#totalWeight;
  }

  scan(node: NodeRows, feature: NodeFeature, best: Split): void {
    const nRows = node.end - node.begin;
    const { codes } = feature;
    this.#ordered.sort(codes, nRows);
    const { order } = this.#ordered;
    let nMissing = 0;
    while (nMissing < nRows && codes[order[nMissing]] === MISSING_BIN) nMissing += 1;
    this.#scanOrdered(node, feature, { nMissing, isMissingLeft: false }, best);
    if (nMissing > 0) this.#scanOrdered(node, feature, { nMissing, isMissingLeft: true }, best);
  }

  #scanOrdered(
    { rows, begin, end }: NodeRows,
    feature: NodeFeature,
    { nMissing, isMissingLeft }: { readonly nMissing: number; readonly isMissingLeft: boolean },
    best: Split,
  ): void {
    const { codes } = feature;
    const { order } = this.#ordered;
    const left = this.#left.fill(0);
    const nRows = end - begin;
    let [count, weightLeft, squaresLeft, squaresRight] = [0, 0, 0, this.#totalSquares];
    for (let index = isMissingLeft ? 0 : nMissing; index < nRows; index++) {
      const row = rows[begin + order[index]];
      const weight = this.#rows.weights[row];
      const code = this.#rows.classes[row];
      squaresLeft += weight * (2 * left[code] + weight);
      squaresRight -= weight * (2 * (this.#totals[code] - left[code]) - weight);
      left[code] += weight;
      weightLeft += weight;
      count += this.#rows.draws[row];
      const bin = codes[order[index]];
      // A split runs between two bins, and never right after the missing one.
      if (bin === MISSING_BIN || (index + 1 < nRows && codes[order[index + 1]] === bin)) continue;
      if (count < this.#minSamplesLeaf) continue;
      if (this.#totalCount - count < this.#minSamplesLeaf) break;
      const weightRight = this.#totalWeight - weightLeft;
      if (!(weightLeft > 0 && weightRight > 0)) continue;
      const gain =
        squaresLeft / weightLeft + squaresRight / weightRight - this.#totalSquares / this.#totalWeight;
      if (!(gain > best.gain)) continue;
      best.feature = feature.index;
      // With only missing rows to the right, no value may join them: not even one beyond this node's.
      best.bin = index + 1 === nRows ? feature.nValueBins : bin;
      best.gain = gain;
      best.isMissingLeft = nMissing > 0 ? isMissingLeft : 2 * count >= this.#totalCount;
    }
  }

  tryBorder({ rows, begin, end }: NodeRows, feature: NodeFeature, border: number, best: Split): void {
    const { codes } = feature;
    const left = this.#left.fill(0);
    let [count, weightLeft] = [0, 0];
    for (let index = begin; index < end; index++) {
      if (codes[index - begin] > border) continue;
      const row = rows[index];
      left[this.#rows.classes[row]] += this.#rows.weights[row];
      weightLeft += this.#rows.weights[row];
      count += this.#rows.draws[row];
    }
    if (count < this.#minSamplesLeaf || this.#totalCount - count < this.#minSamplesLeaf) return;
    const weightRight = this.#totalWeight - weightLeft;
    if (!(weightLeft > 0 && weightRight > 0)) return;
    let [squaresLeft, squaresRight] = [0, 0];
    for (let k = 0; k < this.width; k++) {
      squaresLeft += left[k] * left[k];
      squaresRight += (this.#totals[k] - left[k]) ** 2;
    }
    const gain =
      squaresLeft / weightLeft + squaresRight / weightRight - this.#totalSquares / this.#totalWeight;
    if (!(gain > best.gain)) return;
    best.feature = feature.index;
    best.bin = border;
    best.gain = gain;
    best.isMissingLeft = 2 * count >= this.#totalCount;
  }

  writeLeaf(node: NodeRows, values: Float64Array, at: number): void {
    this.enter(node);
    for (let k = 0; k < this.width; k++) {
      // A leaf of weight 0 knows nothing: all classes alike.
      values[at + k] = this.#totalWeight > 0 ? this.#totals[k] / this.#totalWeight : 1 / this.width;
    }
  }
}
