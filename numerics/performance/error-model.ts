import { interpolate } from "../stats/piecewise-linear.ts";
import { ascendingOrder } from "../stats/rank.ts";

/**
 * How far off answers usually are, as a function of the answer: learnt on out-of-fold predictions, frozen with the version, and
 * read on answers whose truth nobody knows yet.
 *
 * Errors are pooled in bins of equal numbers of rows by answer; between the bins' mean answers the moments are linear, beyond them
 * constant. That is the idea of direct loss estimation (NannyML, DLE) with the smallest model there is: it sees that a model is
 * asked more often where it is usually off, and not that it is off where it used to be right.
 */
export interface ErrorModel {
  /** Mean answer of each bin, strictly ascending. */
  readonly knots: readonly number[];
  /** Mean |e|, e², e⁴ of each bin. */
  readonly absolute: readonly number[];
  readonly squared: readonly number[];
  readonly fourth: readonly number[];
}

/** Fewer rows would make the model follow single ones. */
const ROWS_PER_BIN = 100;
const MAX_BINS = 20;
/** Below this there is no model. */
export const MIN_ERROR_ROWS = 40;
/** Of more rows an even sample: some dozen means do not gain by a million of them. */
const MOST_ROWS = 100_000;

/**
 * @param truth      finite
 * @param prediction finite, equally many
 * @returns null with fewer than 40 rows
 *
 * Cost: O(n log n) of at most 100,000 rows. Deterministic.
 */
export function fitErrorModel(truth: ArrayLike<number>, prediction: ArrayLike<number>): ErrorModel | null {
  if (truth.length < MIN_ERROR_ROWS) return null;
  const step = Math.ceil(truth.length / MOST_ROWS);
  const sampled = Int32Array.from({ length: Math.floor(truth.length / step) }, (_, i) => i * step);
  const order = ascendingOrder(Float64Array.from(sampled, (row) => prediction[row]));
  const nBins = Math.max(1, Math.min(MAX_BINS, Math.floor(order.length / ROWS_PER_BIN)));
  const bins: Bin[] = [];
  for (let bin = 0; bin < nBins; bin++) {
    const from = Math.floor((bin * order.length) / nBins);
    const to = Math.floor(((bin + 1) * order.length) / nBins);
    addBin(
      bins,
      measure(
        order.subarray(from, to).map((place) => sampled[place]),
        truth,
        prediction,
      ),
    );
  }
  const mean = (sum: (bin: Bin) => number): number[] => bins.map((bin) => sum(bin) / bin.nRows);
  return {
    knots: mean(({ answers }) => answers),
    absolute: mean(({ absolute }) => absolute),
    squared: mean(({ squared }) => squared),
    fourth: mean(({ fourth }) => fourth),
  };
}

/** Sums over the rows of a bin. */
interface Bin {
  readonly nRows: number;
  readonly answers: number;
  readonly absolute: number;
  readonly squared: number;
  readonly fourth: number;
}

function measure(rows: Int32Array, truth: ArrayLike<number>, prediction: ArrayLike<number>): Bin {
  let [answers, absolute, squared, fourth] = [0, 0, 0, 0];
  for (const row of rows) {
    const error = (truth[row] - prediction[row]) ** 2;
    answers += prediction[row];
    absolute += Math.sqrt(error);
    squared += error;
    fourth += error * error;
  }
  return { nRows: rows.length, answers, absolute, squared, fourth };
}

/** Knots ascend strictly: bins of one same answer, as of a cap, become one. Mutates `bins`. */
function addBin(bins: Bin[], bin: Bin): void {
  const last = bins.at(-1);
  if (last === undefined || bin.answers / bin.nRows > last.answers / last.nRows) {
    bins.push(bin);
    return;
  }
  bins[bins.length - 1] = {
    nRows: last.nRows + bin.nRows,
    answers: last.answers + bin.answers,
    absolute: last.absolute + bin.absolute,
    squared: last.squared + bin.squared,
    fourth: last.fourth + bin.fourth,
  };
}

/** Estimated metrics with the band in which realized ones of these very rows would lie. */
export interface Estimate {
  readonly metrics: Readonly<Record<string, number>>;
  readonly intervals: Readonly<Record<string, readonly [number, number]>>;
}

/** Half width of a 95 % band in standard deviations. */
const Z = 1.959963984540054;

/**
 * Expected mean absolute and root mean squared error of answers.
 *
 *   mae = Σ a(ŷᵢ) / n,  rmse = √( Σ q(ŷᵢ) / n ), a and q the model's mean |e| and e² at an answer
 *
 * Bands take all errors of one group for one: the standard deviation of a mean is √ Σ_g ( Σ_{i∈g} σ(ŷᵢ) / n )².
 *
 * @param groups code of each row: rows of one asset are off together
 */
export function estimateErrors(model: ErrorModel, prediction: Float64Array, groups: Int32Array): Estimate {
  const n = prediction.length;
  const curve = (values: readonly number[]) => ({ knots: model.knots, values });
  const [absolute, squared, fourth] = [curve(model.absolute), curve(model.squared), curve(model.fourth)];
  const spreads = [new Map<number, number>(), new Map<number, number>()] as const;
  let [mae, mse] = [0, 0];
  prediction.forEach((answer, row) => {
    const [a, q, f] = [
      interpolate(absolute, answer),
      interpolate(squared, answer),
      interpolate(fourth, answer),
    ];
    mae += a / n;
    mse += q / n;
    const group = groups[row];
    spreads[0].set(group, (spreads[0].get(group) ?? 0) + Math.sqrt(Math.max(0, q - a * a)) / n);
    spreads[1].set(group, (spreads[1].get(group) ?? 0) + Math.sqrt(Math.max(0, f - q * q)) / n);
  });
  const [ofAbsolute, ofSquared] = spreads.map((byGroup) =>
    Math.sqrt([...byGroup.values()].reduce((sum, spread) => sum + spread * spread, 0)),
  );
  const band = (mean: number, deviation: number): [number, number] => [
    Math.max(0, mean - Z * deviation),
    mean + Z * deviation,
  ];
  const [low, high] = band(mse, ofSquared);
  return {
    metrics: { mae, rmse: Math.sqrt(mse) },
    intervals: { mae: band(mae, ofAbsolute), rmse: [Math.sqrt(low), Math.sqrt(high)] },
  };
}
