/**
 * Row indices in ascending order of value; equal values keep their index order.
 *
 * Input that is already ascending costs O(n): the bootstrap relies on it. Otherwise O(n log n).
 *
 * @param values no NaN
 */
export function ascendingOrder(values: ArrayLike<number>): Int32Array {
  const n = values.length;
  const order = new Int32Array(n);
  let isSorted = true;
  for (let i = 0; i < n; i++) {
    order[i] = i;
    if (i > 0 && values[i] < values[i - 1]) isSorted = false;
  }
  return isSorted ? order : order.sort((a, b) => values[a] - values[b] || a - b);
}

/**
 * Ranks 1…n where equal values share the mean of their ranks.
 *
 * @param values no NaN
 * @returns one rank per value, in the order of the values; the ranks add up to n (n + 1) / 2
 */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = ascendingOrder(values);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + end + 1) / 2;
    start = end;
  }
  return ranks;
}
