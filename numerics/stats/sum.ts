/**
 * Sum of the values in array order, compensated.
 *
 * Neumaier's variant of Kahan summation: the rounding error of each addition is kept apart and added at the end, so the
 * error is about one unit in the last place instead of growing with the length. The order is fixed (index order), so the
 * same array gives the same bits on every run and thread count.
 *
 * @param values any length; empty gives 0; NaN and infinities propagate
 * @returns the sum, in the unit of the values
 *
 * Cost: O(n), no allocation. Deterministic.
 * Source: Neumaier 1974 (doi:10.1002/zamm.19740540106).
 */
export function compensatedSum(values: ArrayLike<number>): number {
  return sumOf(values.length, (i) => values[i]);
}

/**
 * Compensated sum of computed terms, in index order. Same guarantees as {@link compensatedSum}.
 *
 * @param n    number of terms, ≥ 0
 * @param term gives term i; called once per index, ascending
 */
export function sumOf(n: number, term: (i: number) => number): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < n; i++) {
    const value = term(i);
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  // Past an infinity the lost part is NaN (∞ − ∞); the plain sum is then the honest answer.
  return Number.isFinite(sum) ? sum + lost : sum;
}
