import { medianIndex, checkQuantiles } from "../forecast/forecast-rule.ts";
import { requireFinite, requireNonEmpty } from "../stats/checked-array.ts";
import { meanAbsoluteError, rootMeanSquaredError } from "./regression.ts";

/** Pairs of row and horizon with what was answered and what came. */
export interface ForecastRows {
  /** finite, not empty */
  readonly truth: ArrayLike<number>;
  /** row-major (rows × quantiles), ascending within a row */
  readonly prediction: ArrayLike<number>;
}

export interface ForecastMetricOptions {
  /** levels in (0, 1), ascending */
  readonly quantiles: readonly number[];
  /** naive forecast per row, NaN where there is none; default: no `mase` */
  readonly naive?: ArrayLike<number>;
  /** another model's answers, as `prediction`; default: no `skill` */
  readonly reference?: ArrayLike<number>;
}

/**
 * Metrics of quantile forecasts.
 *
 *   pinball    mean over rows and quantiles of max(q (y − ŷ), (q − 1)(y − ŷ))
 *   wql        2 · Σ pinball / Σ |y|, mean over quantiles: pinball without a unit
 *   mae, rmse  of the quantile nearest to one half
 *   mase       mae over that of the naive forecast on the same rows
 *   skill      1 − pinball / pinball of the reference
 *   interval…  of the interval between the outermost quantiles; winkler is its score: the width, and 2/α times how far
 *              outside a truth lies, α = 1 − (last − first level)
 *
 * @returns NaN or no key where a metric is undefined
 * @throws {RangeError} when rows are empty, of different length, not finite, or levels do not ascend in (0, 1)
 *
 * Source: Koenker & Bassett 1978 (doi:10.2307/1913643); Hyndman & Koehler 2006 (doi:10.1016/j.ijforecast.2006.03.001),
 * scaled by the errors on the rows themselves; Gneiting & Raftery 2007 (doi:10.1198/016214506000001437), 6.2.
 */
export function forecastMetrics(
  { truth, prediction }: ForecastRows,
  { quantiles, naive, reference }: ForecastMetricOptions,
): Record<string, number> {
  checkQuantiles(quantiles);
  requireNonEmpty("truth", truth);
  requireFinite("truth", truth);
  requireFinite("prediction", prediction);
  if (prediction.length !== truth.length * quantiles.length) {
    throw new RangeError(
      `prediction must have ${quantiles.length} quantiles for each of ${truth.length} rows, got ${prediction.length}`,
    );
  }
  const middle = columnOf(prediction, medianIndex(quantiles), quantiles.length);
  const pinball = pinballLoss(truth, prediction, quantiles);
  const scale = sum(truth.length, (row) => Math.abs(truth[row])) / truth.length;
  return {
    pinball,
    wql: scale > 0 ? (2 * pinball) / scale : Number.NaN,
    mae: meanAbsoluteError(truth, middle),
    rmse: rootMeanSquaredError(truth, middle),
    ...(naive === undefined ? {} : { mase: scaledError(truth, middle, naive) }),
    ...(reference === undefined ? {} : { skill: 1 - pinball / pinballLoss(truth, reference, quantiles) }),
    ...(quantiles.length < 2 ? {} : intervalMetrics(truth, prediction, quantiles)),
  };
}

/** Mean pinball loss over rows and quantiles. */
export function pinballLoss(
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
  quantiles: readonly number[],
): number {
  const n = quantiles.length;
  const total = sum(prediction.length, (at) => {
    const error = truth[Math.floor(at / n)] - prediction[at];
    const level = quantiles[at % n];
    return error >= 0 ? level * error : (level - 1) * error;
  });
  return total / prediction.length;
}

/** MAE over that of the naive forecast, on the rows that have one; NaN where the naive forecast is never wrong. */
function scaledError(truth: ArrayLike<number>, middle: ArrayLike<number>, naive: ArrayLike<number>): number {
  let own = 0;
  let other = 0;
  for (let row = 0; row < truth.length; row++) {
    if (Number.isNaN(naive[row])) continue;
    own += Math.abs(truth[row] - middle[row]);
    other += Math.abs(truth[row] - naive[row]);
  }
  return other > 0 ? own / other : Number.NaN;
}

function intervalMetrics(
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
  quantiles: readonly number[],
): Record<string, number> {
  const n = quantiles.length;
  const level = quantiles[n - 1] - quantiles[0];
  let inside = 0;
  let width = 0;
  let outside = 0;
  for (let row = 0; row < truth.length; row++) {
    const [low, high] = [prediction[row * n], prediction[(row + 1) * n - 1]];
    width += high - low;
    if (truth[row] >= low && truth[row] <= high) inside++;
    else outside += truth[row] < low ? low - truth[row] : truth[row] - high;
  }
  const coverage = inside / truth.length;
  return {
    intervalCoverage: coverage,
    coverageError: Math.abs(coverage - level),
    intervalWidth: width / truth.length,
    winkler: (width + (2 / (1 - level)) * outside) / truth.length,
  };
}

function columnOf(values: ArrayLike<number>, column: number, nColumns: number): Float64Array {
  return Float64Array.from({ length: values.length / nColumns }, (_, row) => values[row * nColumns + column]);
}

function sum(length: number, read: (index: number) => number): number {
  let total = 0;
  for (let index = 0; index < length; index++) total += read(index);
  return total;
}
