/**
 * What a window's values look like between the thresholds that the reference knows: one pass over the values, in any
 * order, instead of a sort of each column.
 *
 * Every numeric statistic compares with a frozen step function or with frozen bins, so it needs no more than how many
 * values lie between two neighbouring thresholds and how many on one. Counting is exact for PSI, Kolmogorov–Smirnov,
 * Jensen–Shannon and the range; only Wasserstein takes the values between two thresholds as their mean.
 *
 *   thresholds        t₀        t₁        t₂
 *   between[0]  |     | between[1] | …        between[3]       each open at both ends
 *   at                at[0]     at[1]     at[2]
 *
 * A grid of equal cells leads to the thresholds within a cell, among which a binary search decides: about one comparison
 * a value where thresholds are quantiles, eight at worst.
 */

/** Values of one column against ascending thresholds. */
export interface WindowCounts {
  /** ascending, distinct */
  readonly thresholds: Float64Array;
  /** values equal to each threshold */
  readonly at: Float64Array;
  /** values strictly between neighbours; one longer than `thresholds`, the ends being open */
  readonly between: Float64Array;
  /** sums of the values in `between` */
  readonly sums: Float64Array;
  readonly present: number;
  readonly missing: number;
}

/** Cells of the grid per threshold. */
const CELLS_PER_THRESHOLD = 8;

/**
 * Counts a column.
 *
 * @param values     NaN = missing
 * @param thresholds ascending and distinct, finite
 * @throws {RangeError} for an infinite value
 *
 * Cost: O(n), no allocation per value. Deterministic.
 */
export function countWindow(name: string, values: ArrayLike<number>, thresholds: Float64Array): WindowCounts {
  const nThresholds = thresholds.length;
  const at = new Float64Array(nThresholds);
  const between = new Float64Array(nThresholds + 1);
  const sums = new Float64Array(nThresholds + 1);
  const { firstOfCell, origin, scale } = gridOf(thresholds);
  const lastCell = firstOfCell.length - 2;
  let missing = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (!(value - value === 0)) {
      if (value === value) throw new RangeError(`${name}[${row}] must be finite or NaN, got ${value}`);
      missing++;
      continue;
    }
    const place = (value - origin) * scale;
    const cell = place > 0 ? (place < lastCell ? place | 0 : lastCell) : 0;
    let low = firstOfCell[cell];
    let high = firstOfCell[cell + 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (thresholds[middle] < value) low = middle + 1;
      else high = middle;
    }
    if (low < nThresholds && thresholds[low] === value) at[low]++;
    else {
      between[low]++;
      sums[low] += value;
    }
  }
  return { thresholds, at, between, sums, present: values.length - missing, missing };
}

/**
 * Cells of equal width over the thresholds. Of a value in cell c the first threshold that is not below it is among
 * `firstOfCell[c]` … `firstOfCell[c + 1]`, both included: rounding keeps the order of values, so what lies in an earlier
 * cell is smaller and what lies in a later one larger.
 */
function gridOf(thresholds: Float64Array): { firstOfCell: Int32Array; origin: number; scale: number } {
  const n = thresholds.length;
  const origin = n === 0 ? 0 : thresholds[0];
  const width = n === 0 ? 0 : thresholds[n - 1] - origin;
  const nCells = Math.max(1, n * CELLS_PER_THRESHOLD);
  const scale = width > 0 && Number.isFinite(nCells / width) ? nCells / width : 0;
  const firstOfCell = new Int32Array(nCells + 1).fill(n);
  for (let i = n - 1; i >= 0; i--) {
    const cell = Math.min(nCells - 1, Math.floor((thresholds[i] - origin) * scale));
    firstOfCell[cell] = i;
  }
  for (let cell = nCells - 1; cell >= 0; cell--) {
    firstOfCell[cell] = Math.min(firstOfCell[cell], firstOfCell[cell + 1]);
  }
  return { firstOfCell, origin, scale };
}

/**
 * Values up to each of some thresholds.
 *
 * @param points ascending, each one of `counts.thresholds`; repeats are allowed
 * @returns per point the number of values below it, and up to and with it
 * @throws {RangeError} when a point is no threshold
 */
export function cumulativeAt(
  counts: WindowCounts,
  points: ArrayLike<number>,
): { below: Float64Array; upTo: Float64Array } {
  const below = new Float64Array(points.length);
  const upTo = new Float64Array(points.length);
  let threshold = 0;
  let sum = counts.between[0];
  for (let i = 0; i < points.length; i++) {
    while (threshold < counts.thresholds.length && counts.thresholds[threshold] < points[i]) {
      sum += counts.at[threshold] + counts.between[threshold + 1];
      threshold++;
    }
    if (counts.thresholds[threshold] !== points[i]) throw new RangeError(`${points[i]} is no threshold`);
    below[i] = sum;
    upTo[i] = sum + counts.at[threshold];
  }
  return { below, upTo };
}

/**
 * Counts per bin (edge i − 1, edge i].
 *
 * @param edges ascending, each one of the thresholds
 * @returns edges.length + 1 counts that add up to the present values
 */
export function binCounts(counts: WindowCounts, edges: ArrayLike<number>): Float64Array {
  const { upTo } = cumulativeAt(counts, edges);
  const bins = new Float64Array(edges.length + 1);
  for (let i = 0; i <= edges.length; i++) {
    bins[i] = (i < edges.length ? upTo[i] : counts.present) - (i > 0 ? upTo[i - 1] : 0);
  }
  return bins;
}

/** The values as weighted points, ascending: each threshold, and the mean of what lies between two. */
export function pointsOf(counts: WindowCounts): { values: number[]; weights: number[] } {
  const values: number[] = [];
  const weights: number[] = [];
  const push = (value: number, weight: number): void => {
    if (weight === 0) return;
    values.push(value);
    weights.push(weight);
  };
  for (let i = 0; i < counts.between.length; i++) {
    push(meanBetween(counts, i), counts.between[i]);
    if (i < counts.thresholds.length) push(counts.thresholds[i], counts.at[i]);
  }
  return { values, weights };
}

/** Kept between its thresholds: a sum of many values may round past them. */
function meanBetween({ thresholds, between, sums }: WindowCounts, i: number): number {
  const low = i > 0 ? thresholds[i - 1] : -Number.MAX_VALUE;
  const high = i < thresholds.length ? thresholds[i] : Number.MAX_VALUE;
  return Math.min(high, Math.max(low, sums[i] / between[i]));
}

/** Ascending distinct union of lists of thresholds. */
export function unionOf(...lists: readonly ArrayLike<number>[]): Float64Array {
  const all = lists.flatMap((list) => Array.from(list, (value) => value + 0));
  return Float64Array.from(new Set(all)).sort();
}
