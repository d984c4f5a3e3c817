import { requireNonEmpty } from "./checked-array.ts";
import { compensatedSum, sumOf } from "./sum.ts";

/**
 * Arithmetic mean, by compensated sum in index order.
 *
 * @param values not empty
 * @throws {RangeError} when empty
 */
export function mean(values: ArrayLike<number>): number {
  requireNonEmpty("values", values);
  return compensatedSum(values) / values.length;
}

/**
 * Variance, two passes: Σ (x − mean)² / (n − ddof).
 *
 * @param values more than `ddof` values
 * @param ddof   0 = population (default), 1 = sample
 * @returns ≥ 0, in squared units; exactly 0 when all values are equal
 * @throws {RangeError} when n ≤ ddof
 */
export function variance(values: ArrayLike<number>, ddof = 0): number {
  if (values.length <= ddof || values.length === 0) {
    throw new RangeError(`variance needs more than ${ddof} values, got ${values.length}`);
  }
  const centre = values[0];
  // Shifting by the first value makes the all-equal case exact and keeps large offsets from eating the digits.
  const shift = sumOf(values.length, (i) => values[i] - centre) / values.length;
  return sumOf(values.length, (i) => (values[i] - centre - shift) ** 2) / (values.length - ddof);
}

/**
 * Standard deviation: the square root of {@link variance}, in the unit of the values.
 *
 * @throws {RangeError} when n ≤ ddof
 */
export function standardDeviation(values: ArrayLike<number>, ddof = 0): number {
  return Math.sqrt(variance(values, ddof));
}
