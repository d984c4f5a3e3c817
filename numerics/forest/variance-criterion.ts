/**
 * Drop of the weighted variance: the gain of boosting with g = −w (y − ȳ), h = w, searched between
 * values at the cost of a small histogram.
 *
 * A node of few rows orders them by bin and tries every border. A larger one is first counted in at
 * most 256 runs of neighbouring bins (about four rows each), and the borders of the runs are tried. Then
 * some runs are ordered and tried inside:
 *
 *   0/1 targets   those in which a border may gain more, by the bound of `split-bound.ts`: the split is
 *                 the one that trying every border finds, up to rounding of the sums (2⁻³⁰ of them)
 *   others        the two beside the best border: the bound is loose there and nearly all runs of a small
 *                 node would be ordered (measured at twice the time for 0.02 of 12.6 cycles on FD001)
 */
import { MISSING_BIN } from "../gbdt/binning.ts";
import type { PackedRows } from "../gbdt/packing.ts";
import { packGradients, unpackSums } from "../gbdt/packing.ts";
import type { SearchedNode, Split, SplitLimits } from "../gbdt/splitting.ts";
import { describeNode, leastGain, scanFeature } from "../gbdt/splitting.ts";
import { BinOrder } from "./bin-order.ts";
import { countOneLane, countTwoLanes, lastBinOf } from "./bin-runs.ts";
import type { BinRuns } from "./bin-runs.ts";
import type { Criterion, CriterionOptions, NodeFeature, NodeRows } from "./criterion.ts";
import { countDraws, pickRows } from "./criterion.ts";
import { markPromising } from "./split-bound.ts";

/** Up to here ordering the rows is faster than counting them. */
const SMALL_NODE_ROWS = 32;
const MAX_RUNS = 256;
/** Rows per run that are aimed at. */
const ROWS_PER_RUN = 4;

/** Sums by place, place 0 being the missing bin, and the last bin of each other place. */
interface PlaceSums {
  readonly sums: Float64Array;
  readonly nPlaces: number;
  readonly lastBinAt: (place: number) => number;
}

/** What is known of each row. */
interface VarianceRows {
  /** As the packing has it, times its draws. */
  readonly packed: Float64Array;
  readonly values: Float64Array;
  /** Weight · (value − centre) · draws. */
  readonly residuals: Float64Array;
  /** Weight · draws. */
  readonly weights: Float64Array;
}

/** Variance of one output around `centre`, which the leaves' values are relative to. */
export class VarianceCriterion implements Criterion {
  readonly width = 1;
  readonly #all: VarianceRows;
  #rows: VarianceRows;
  readonly #centre: number;
  readonly #packing: PackedRows;
  readonly #limits: SplitLimits;
  /** Packed rows of the node entered, in its order: read again for every feature tried. */
  readonly #gathered: Float64Array;
  readonly #ordered: BinOrder;
  /** Sums by place: place 0 is the missing bin, the others ascending runs of bins. */
  readonly #histogram: Float64Array;
  readonly #refined: Float64Array;
  /** Last bin of each place of `#refined`. */
  readonly #lastBins: Int32Array;
  readonly #isPromising = new Uint8Array(MAX_RUNS + 1);
  /** Places, in the node's order, of the rows to order. */
  readonly #picked: Int32Array;
  /** Whether all targets are one of two: then the bound is sharp, and pays. */
  readonly #isTwoValued: boolean;
  /** Both residuals as they are packed, where there are two and no weights. */
  readonly #twoResiduals: readonly [number, number] | null;
  /** Sums left of a border that is tried. */
  readonly #left = { gradient: 0, hessian: 0, count: 0 };
  #node: SearchedNode;
  #lowest = 0;
  #highest = 0;

  /**
   * @param target values and weights (null for 1) of all training rows, and the centre
   * @param drawn  rows of the tree, a row drawn twice listed twice
   */
  constructor(
    target: { readonly values: Float64Array; readonly weights: Float64Array | null; readonly centre: number },
    drawn: Int32Array,
    options: CriterionOptions,
  ) {
    const { values, weights, centre } = target;
    this.#centre = centre;
    const residuals = values.map((value, row) => (weights?.[row] ?? 1) * (value - centre));
    this.#packing = packGradients(residuals, weights, drawn);
    // Drawn twice is counted once with twice the sums, which stay exact: a third of the rows fewer.
    const draws = countDraws(drawn, values.length);
    const { lanes, rows } = this.#packing;
    for (let index = 0; index < rows.length; index++) rows[index] *= draws[Math.floor(index / lanes)];
    const two = twoValuesOf(values)?.map((value) => value - centre);
    this.#isTwoValued = two !== undefined;
    [this.#lowest, this.#highest] = two ?? [0, 0];
    const packedOf = (residual: number): number =>
      Math.floor(residual / this.#packing.gradientUnit + 0.5) * this.#packing.gradientUnit;
    this.#twoResiduals =
      two === undefined || lanes === 2 ? null : [packedOf(this.#lowest), packedOf(this.#highest)];
    this.#all = {
      packed: rows,
      values,
      residuals: residuals.map((residual, row) => draws[row] * residual),
      weights: draws.map((count, row) => count * (weights?.[row] ?? 1)),
    };
    this.#rows = this.#all;
    this.#limits = {
      lambdaL1: 0,
      lambdaL2: 0,
      minDataInLeaf: options.minSamplesLeaf,
      // Only keeps children of weight 0 out of the division.
      minSumHessianInLeaf: Number.MIN_VALUE,
      minGainToSplit: 0,
    };
    const maxPlaces = drawn.length + MAX_RUNS + 1;
    this.#gathered = new Float64Array(drawn.length * lanes);
    this.#picked = new Int32Array(drawn.length);
    this.#ordered = new BinOrder(drawn.length);
    this.#histogram = new Float64Array((MAX_RUNS + 1) * lanes);
    this.#refined = new Float64Array(maxPlaces * lanes);
    this.#lastBins = new Int32Array(maxPlaces);
    this.#node = describeNode({ first: 0, second: 0 }, this.#packing, this.#limits);
  }

  focus(node: NodeRows | null): void {
    const { packed, values, residuals, weights } = this.#all;
    this.#rows =
      node === null
        ? this.#all
        : {
            packed: pickRows(packed, node, this.#packing.lanes),
            values: pickRows(values, node),
            residuals: pickRows(residuals, node),
            weights: pickRows(weights, node),
          };
  }

  enter(node: NodeRows): number {
    const isPure =
      this.#twoResiduals === null ? this.#enterAny(node) : this.#enterTwo(node, this.#twoResiduals);
    const isTooSmall = this.#node.count < 2 * this.#limits.minDataInLeaf;
    return isTooSmall || isPure ? Infinity : leastGain(this.#node, this.#limits);
  }

  /** Of two values without weights the sums tell whether there is only one. */
  #enterTwo({ rows, begin, end }: NodeRows, [low, high]: readonly [number, number]): boolean {
    const { packed } = this.#rows;
    const gathered = this.#gathered;
    let first = 0;
    for (let index = begin; index < end; index++) {
      first += gathered[index - begin] = packed[rows[index]];
    }
    this.#node = describeNode({ first, second: 0 }, this.#packing, this.#limits);
    const { gradient, count } = this.#node;
    return gradient === count * low || gradient === count * high;
  }

  #enterAny({ rows, begin, end }: NodeRows): boolean {
    const { lanes } = this.#packing;
    const { packed, values } = this.#rows;
    const gathered = this.#gathered;
    let [first, second, at] = [0, 0, 0];
    let [lowest, highest] = [Infinity, -Infinity];
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      first += gathered[at++] = packed[row * lanes];
      if (lanes === 2) second += gathered[at++] = packed[row * 2 + 1];
      const value = values[row];
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    this.#lowest = lowest - this.#centre;
    this.#highest = highest - this.#centre;
    this.#node = describeNode({ first, second }, this.#packing, this.#limits);
    return lowest === highest;
  }

  tryBorder({ begin, end }: NodeRows, { index, codes }: NodeFeature, border: number, best: Split): void {
    const { lanes } = this.#packing;
    const gathered = this.#gathered;
    const nRows = end - begin;
    const above = border + 1;
    let [first, second] = [0, 0];
    // Multiplied by 1 on the left of the border and by 0 beyond: the side of a row cannot be foreseen.
    if (lanes === 1) {
      for (let row = 0; row < nRows; row++) first += gathered[row] * ((codes[row] - above) >>> 31);
    } else {
      for (let row = 0; row < nRows; row++) {
        const isLeft = (codes[row] - above) >>> 31;
        first += gathered[2 * row] * isLeft;
        second += gathered[2 * row + 1] * isLeft;
      }
    }
    this.#keepBorder({ first, second }, { index, border }, best);
  }

  #keepBorder(
    sums: { readonly first: number; readonly second: number },
    { index, border }: { readonly index: number; readonly border: number },
    best: Split,
  ): void {
    const left = this.#left;
    unpackSums(this.#packing, sums.first, sums.second, left);
    const node = this.#node;
    const least = this.#limits.minDataInLeaf;
    if (left.count < least || node.count - left.count < least) return;
    const hessian = node.hessian - left.hessian;
    if (!(left.hessian > 0 && hessian > 0)) return;
    const gradient = node.gradient - left.gradient;
    const gain =
      (left.gradient * left.gradient * hessian + gradient * gradient * left.hessian) /
        (left.hessian * hessian) -
      node.score;
    if (!(gain > best.gain)) return;
    best.feature = index;
    best.bin = border;
    best.gain = gain;
    best.isMissingLeft = 2 * left.count >= node.count;
  }

  scan({ begin, end }: NodeRows, feature: NodeFeature, best: Split): void {
    const nRows = end - begin;
    const { lowest, highest } = feature;
    if (highest === MISSING_BIN) return;
    if (nRows > SMALL_NODE_ROWS) this.#scanRuns(nRows, { lowest, highest }, feature, best);
    else this.#scanAll(nRows, feature, best);
  }

  #scanAll(nRows: number, feature: NodeFeature, best: Split): void {
    const { lanes } = this.#packing;
    for (let index = 0; index < nRows; index++) this.#picked[index] = index;
    this.#ordered.sort(feature.codes, nRows);
    this.#refined.fill(0, 0, lanes);
    this.#lastBins[0] = MISSING_BIN;
    const ordered = { from: 0, to: nRows };
    this.#scanRefined(this.#appendOrdered(feature.codes, ordered, 0), feature, best);
  }

  #scanRuns(
    nRows: number,
    { lowest, highest }: { readonly lowest: number; readonly highest: number },
    feature: NodeFeature,
    best: Split,
  ): void {
    const { lanes } = this.#packing;
    const wanted = Math.min(MAX_RUNS, nRows / ROWS_PER_RUN);
    const span = highest - lowest;
    let shift = 0;
    while (span >> shift >= wanted) shift += 1;
    const runs: BinRuns = { lowest, shift, nRuns: (span >> shift) + 1 };
    const histogram = this.#histogram.fill(0, 0, (runs.nRuns + 1) * lanes);
    const count = lanes === 1 ? countOneLane : countTwoLanes;
    count(histogram, this.#gathered, { codes: feature.codes, nRows }, runs);
    const places = { sums: histogram, nPlaces: runs.nRuns, lastBinAt: (run: number) => lastBinOf(runs, run) };
    const bestRun = this.#scanPlaces(places, feature, best);
    if (shift > 0 && this.#markRuns(runs.nRuns, bestRun, best.gain)) this.#refine(nRows, runs, feature, best);
  }

  /** Marks the runs to order; tells whether there are any. `bestRun` is 0 where another feature is best. */
  #markRuns(nRuns: number, bestRun: number, gain: number): boolean {
    if (this.#isTwoValued) {
      const bounded = { node: this.#node, lowest: this.#lowest, highest: this.#highest };
      return markPromising(this.#histogram, nRuns, this.#isPromising, { bounded, gain });
    }
    if (bestRun === 0) return false;
    this.#isPromising.fill(0, 0, nRuns + 1);
    this.#isPromising[bestRun] = 1;
    if (bestRun < nRuns) this.#isPromising[bestRun + 1] = 1;
    return true;
  }

  /** Orders the rows of promising runs, keeps the sums of the others, and tries all borders. */
  #refine(nRows: number, runs: BinRuns, feature: NodeFeature, best: Split): void {
    const { lanes } = this.#packing;
    const { lowest, shift, nRuns } = runs;
    const { codes } = feature;
    const picked = this.#picked;
    const isPromising = this.#isPromising;
    let nPicked = 0;
    for (let index = 0; index < nRows; index++) {
      const code = codes[index];
      if (code === MISSING_BIN || isPromising[1 + ((code - lowest) >> shift)] === 0) continue;
      picked[nPicked] = index;
      codes[nPicked++] = code;
    }
    this.#ordered.sort(codes, nPicked);
    const { order } = this.#ordered;
    let place = 0;
    let from = 0;
    for (let lane = 0; lane < lanes; lane++) this.#refined[lane] = this.#histogram[lane];
    for (let run = 1; run <= nRuns; run++) {
      const lastBin = lastBinOf(runs, run);
      if (isPromising[run] === 1) {
        let to = from;
        while (to < nPicked && codes[order[to]] <= lastBin) to += 1;
        place = this.#appendOrdered(codes, { from, to }, place);
        from = to;
      } else {
        place += 1;
        this.#lastBins[place] = lastBin;
        for (let lane = 0; lane < lanes; lane++) {
          this.#refined[place * lanes + lane] = this.#histogram[run * lanes + lane];
        }
      }
    }
    this.#scanRefined(place, feature, best);
  }

  /** Adds ordered rows after `place`, a place per bin, missing ones at place 0; returns the last place. */
  #appendOrdered(
    codes: Uint16Array,
    { from, to }: { readonly from: number; readonly to: number },
    place: number,
  ): number {
    const { lanes } = this.#packing;
    const { order } = this.#ordered;
    const gathered = this.#gathered;
    const refined = this.#refined;
    let last = place;
    let lastBin = place === 0 ? MISSING_BIN : -1;
    for (let index = from; index < to; index++) {
      const code = codes[order[index]];
      const row = this.#picked[order[index]] * lanes;
      if (code !== lastBin) {
        lastBin = code;
        last += 1;
        this.#lastBins[last] = code;
        refined[last * lanes] = gathered[row];
        if (lanes === 2) refined[last * 2 + 1] = gathered[row + 1];
      } else {
        refined[last * lanes] += gathered[row];
        if (lanes === 2) refined[last * 2 + 1] += gathered[row + 1];
      }
    }
    return last;
  }

  #scanRefined(nPlaces: number, feature: NodeFeature, best: Split): void {
    const lastBins = this.#lastBins;
    const lastBinAt = (place: number) => lastBins[place];
    this.#scanPlaces({ sums: this.#refined, nPlaces, lastBinAt }, feature, best);
  }

  /** Tries the borders between places; returns the place before the best one, 0 where another feature stays best. */
  #scanPlaces({ sums, nPlaces, lastBinAt }: PlaceSums, feature: NodeFeature, best: Split): number {
    const gainBefore = best.gain;
    scanFeature(sums, 0, { index: feature.index, nValueBins: nPlaces }, this.#node, best);
    if (!(best.gain > gainBefore)) return 0;
    const place = best.bin;
    // The last place is chosen only where all present values go left, whatever bins lie above.
    best.bin = place === nPlaces ? feature.nValueBins : lastBinAt(place);
    return place;
  }

  writeLeaf({ rows, begin, end }: NodeRows, values: Float64Array, at: number): void {
    const { residuals, weights } = this.#rows;
    let residual = 0;
    let weight = 0;
    for (let index = begin; index < end; index++) {
      residual += residuals[rows[index]];
      weight += weights[rows[index]];
    }
    values[at] = weight > 0 ? residual / weight : 0;
  }
}

/** The lower and the higher of the values, where there are just two. */
function twoValuesOf(values: Float64Array): [number, number] | undefined {
  const [first] = values;
  const other = values.find((value) => value !== first);
  if (other === undefined || !values.every((value) => value === first || value === other)) return undefined;
  return [Math.min(first, other), Math.max(first, other)];
}
