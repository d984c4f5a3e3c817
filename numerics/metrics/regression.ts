import { requireFinite, requireNonEmpty, requireSameLength } from "../stats/checked-array.ts";
import { mean } from "../stats/moments.ts";
import { sumOf } from "../stats/sum.ts";

function checkRows(truth: ArrayLike<number>, prediction: ArrayLike<number>): void {
  requireSameLength(["truth", "prediction"], truth, prediction);
  requireNonEmpty("truth", truth);
  requireFinite("truth", truth);
  requireFinite("prediction", prediction);
}

/**
 * Root mean squared error: √( Σ (ŷ − y)² / n ), in the unit of the target.
 *
 * @param truth      finite, not empty
 * @param prediction finite, equally many
 * @throws {RangeError} when empty, of different length or not finite
 */
export function rootMeanSquaredError(truth: ArrayLike<number>, prediction: ArrayLike<number>): number {
  checkRows(truth, prediction);
  return Math.sqrt(sumOf(truth.length, (i) => (prediction[i] - truth[i]) ** 2) / truth.length);
}

/**
 * Mean absolute error: Σ |ŷ − y| / n, in the unit of the target.
 *
 * @throws {RangeError} when empty, of different length or not finite
 */
export function meanAbsoluteError(truth: ArrayLike<number>, prediction: ArrayLike<number>): number {
  checkRows(truth, prediction);
  return sumOf(truth.length, (i) => Math.abs(prediction[i] - truth[i])) / truth.length;
}

/**
 * Coefficient of determination: 1 − Σ (ŷ − y)² / Σ (y − ȳ)².
 *
 * @returns ≤ 1; NaN when the truth is constant or has one row (scikit-learn answers 0 or 1 there, which hides that
 *          there was nothing to explain)
 * @throws {RangeError} when empty, of different length or not finite
 */
export function rSquared(truth: ArrayLike<number>, prediction: ArrayLike<number>): number {
  checkRows(truth, prediction);
  const centre = mean(truth);
  const total = sumOf(truth.length, (i) => (truth[i] - centre) ** 2);
  if (total === 0) return Number.NaN;
  return 1 - sumOf(truth.length, (i) => (prediction[i] - truth[i]) ** 2) / total;
}

/**
 * The asymmetric score of the PHM 2008 challenge, summed over rows: late predictions cost more than early ones.
 *
 * d = ŷ − y;  s = Σ ( d < 0 ? exp(−d / 13) − 1 : exp(d / 10) − 1 )
 *
 * @param truth      remaining useful life in cycles
 * @param prediction predicted remaining useful life in cycles
 * @returns ≥ 0, lower is better; grows with the number of rows; Infinity for errors beyond about 7,000 cycles
 * @throws {RangeError} when empty, of different length or not finite
 *
 * Source: Saxena, Goebel, Simon & Eklund 2008 (doi:10.1109/PHM.2008.4711414).
 */
export function nasaScore(truth: ArrayLike<number>, prediction: ArrayLike<number>): number {
  checkRows(truth, prediction);
  return sumOf(truth.length, (i) => {
    const d = prediction[i] - truth[i];
    return d < 0 ? Math.expm1(-d / 13) : Math.expm1(d / 10);
  });
}
