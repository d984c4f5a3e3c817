import { requireFinite, requireInRange, requireNonEmpty } from "./checked-array.ts";

/**
 * A sorted copy, ascending. NaN is refused because it has no place in an order.
 *
 * @throws {RangeError} when a value is not finite
 */
export function sortedCopy(values: ArrayLike<number>): Float64Array {
  requireFinite("values", values);
  return Float64Array.from(values).sort();
}

/**
 * Quantile of sorted values, type 7 of Hyndman & Fan (the default of R, NumPy and Excel).
 *
 * h = (n − 1) p;  Q = x[⌊h⌋] + (h − ⌊h⌋) · (x[⌊h⌋ + 1] − x[⌊h⌋])
 *
 * @param sorted      ascending, not empty
 * @param probability p in [0, 1]
 * @throws {RangeError} when empty or p is outside its range
 *
 * Source: Hyndman & Fan 1996 (doi:10.2307/2684934). Checked: tests/peers/metrics.
 */
export function quantileSorted(sorted: ArrayLike<number>, probability: number): number {
  requireNonEmpty("values", sorted);
  requireInRange("probability", probability, [0, 1]);
  const h = (sorted.length - 1) * probability;
  const low = Math.floor(h);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (h - low) * (sorted[high] - sorted[low]);
}

/**
 * Quantile (type 7) of values in any order; see {@link quantileSorted}.
 *
 * @throws {RangeError} when empty, not finite, or p is outside [0, 1]
 */
export function quantile(values: ArrayLike<number>, probability: number): number {
  return quantileSorted(sortedCopy(values), probability);
}
