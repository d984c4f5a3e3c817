/**
 * Index of the bin that holds a value: bin 0 is (−∞, e₀], bin i is (eᵢ₋₁, eᵢ], the last is (eₖ₋₁, ∞).
 *
 * @param edges ascending, k ≥ 0 inner edges (k + 1 bins)
 * @param value not NaN
 * @returns the number of edges below the value, 0…k
 *
 * Cost: O(log k).
 */
export function binIndex(edges: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Counts per bin and of missing values.
 *
 * @param values NaN = missing; infinities fall into the outer bins
 * @param edges  strictly ascending inner edges, finite; bins as in {@link binIndex}
 * @returns `counts` (edges.length + 1 bins) and `missing`; together they count every value once
 * @throws {RangeError} when the edges are not strictly ascending
 */
export function histogram(
  values: ArrayLike<number>,
  edges: ArrayLike<number>,
): { counts: Float64Array; missing: number } {
  for (let i = 1; i < edges.length; i++) {
    if (!(edges[i] > edges[i - 1])) {
      throw new RangeError(`edges must be strictly ascending, got ${edges[i - 1]} then ${edges[i]} at ${i}`);
    }
  }
  const counts = new Float64Array(edges.length + 1);
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) missing++;
    else counts[binIndex(edges, value)]++;
  }
  return { counts, missing };
}
