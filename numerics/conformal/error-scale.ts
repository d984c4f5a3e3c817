import { ascendingOrder } from "../stats/rank.ts";
import type { PiecewiseLinear } from "../stats/piecewise-linear.ts";

/** Usual size of errors below and above an answer, as functions of the answer. */
export interface ErrorScale {
  readonly below: PiecewiseLinear;
  readonly above: PiecewiseLinear;
}

/** Fewer rows would make the scale follow single rows, and intervals fitted on them too narrow. */
const ROWS_PER_BIN = 100;
const MAX_BINS = 12;

/** Bins that this many rows can fill. */
export function errorBins(nRows: number): number {
  return Math.max(1, Math.min(MAX_BINS, Math.floor(nRows / ROWS_PER_BIN)));
}

export interface ErrorScaleOptions {
  /** false: one size for errors below and above. */
  readonly isSkewed: boolean;
  /** ≥ 1 */
  readonly nBins: number;
}

/** Of more rows an even sample: a dozen means do not gain by a million of them. */
const MOST_ROWS = 50_000;
/** Part of the overall error in every scale: where a bin happens to have no error the next row may have one. */
const SHARED = 0.1;

/**
 * Mean error in bins of equal numbers of rows, by answer.
 *
 * Errors above are truth − answer where positive, those below answer − truth where positive, each as a mean over all
 * rows of the bin; without `isSkewed` their sum on both sides.
 *
 * @param truth      finite, n ≥ 1
 * @param prediction finite, equally many
 */
export function fitErrorScale(
  truth: Float64Array,
  prediction: Float64Array,
  options: ErrorScaleOptions,
): ErrorScale {
  const step = Math.ceil(prediction.length / MOST_ROWS);
  const sampled = Int32Array.from({ length: Math.floor(prediction.length / step) }, (_, i) => i * step);
  const order = ascendingOrder(Float64Array.from(sampled, (row) => prediction[row])).map(
    (place) => sampled[place],
  );
  const nBins = Math.min(options.nBins, order.length);
  const bins: Bin[] = [];
  for (let bin = 0; bin < nBins; bin++) {
    const from = Math.floor((bin * order.length) / nBins);
    const to = Math.floor(((bin + 1) * order.length) / nBins);
    addBin(bins, measure(order.subarray(from, to), truth, prediction));
  }
  const all = bins.reduce(joinBins);
  const side = (sizeOf: (bin: Bin) => number): PiecewiseLinear => ({
    knots: bins.map((bin) => bin.answers / bin.nRows),
    values: bins.map((bin) => sizeOf(bin) / bin.nRows + SHARED * (total(all) / all.nRows)),
  });
  return options.isSkewed
    ? { below: side((bin) => bin.below), above: side((bin) => bin.above) }
    : { below: side(total), above: side(total) };
}

/** Sums over the rows of a bin. */
interface Bin {
  readonly nRows: number;
  readonly answers: number;
  readonly below: number;
  readonly above: number;
}

const total = (bin: Bin): number => bin.below + bin.above;

function measure(rows: Int32Array, truth: Float64Array, prediction: Float64Array): Bin {
  let [answers, below, above] = [0, 0, 0];
  for (const row of rows) {
    const error = truth[row] - prediction[row];
    answers += prediction[row];
    if (error > 0) above += error;
    else below -= error;
  }
  return { nRows: rows.length, answers, below, above };
}

/** Knots ascend strictly: bins of one same answer, as of a cap, become one. Mutates `bins`. */
function addBin(bins: Bin[], bin: Bin): void {
  const last = bins.at(-1);
  const isSame = last !== undefined && !(bin.answers / bin.nRows > last.answers / last.nRows);
  if (isSame) bins[bins.length - 1] = joinBins(last, bin);
  else bins.push(bin);
}

function joinBins(a: Bin, b: Bin): Bin {
  return {
    nRows: a.nRows + b.nRows,
    answers: a.answers + b.answers,
    below: a.below + b.below,
    above: a.above + b.above,
  };
}
