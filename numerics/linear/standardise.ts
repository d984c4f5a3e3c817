/** Brings columns to mean 0 and deviation 1, missing values to the mean, as all linear trainers need. */
import type { Matrix } from "../matrix.ts";

export interface Standardised {
  /** Float64Array, row-major (rows × nColumns), nothing missing. */
  readonly data: Float64Array;
  readonly nRows: number;
  readonly nColumns: number;
  /** Mean of the present values; 0 for a column without any. */
  readonly means: readonly number[];
  /** Population deviation of the present values; 1 where it is 0. */
  readonly scales: readonly number[];
}

/** Squares of larger values are infinite, and a deviation with them. */
const LARGEST = 1e150;

/**
 * Fits means and deviations on `rows` and applies them.
 *
 * @param weights Float64Array (rows), or null for 1
 * @throws {RangeError} naming the first value beyond ±1e150
 */
export function standardise(matrix: Matrix, rows: Int32Array, weights: Float64Array | null): Standardised {
  const { nColumns } = matrix;
  const means: number[] = [];
  const scales: number[] = [];
  const data = new Float64Array(rows.length * nColumns);
  for (let column = 0; column < nColumns; column++) {
    const { mean, deviation } = momentsOf(matrix, column, { rows, weights });
    // A deviation of rounding alone marks a constant column.
    const scale = deviation > 1e-12 * Math.abs(mean) && deviation > 0 ? deviation : 1;
    means.push(mean);
    scales.push(scale);
    rows.forEach((row, index) => {
      const value = matrix.data[row * nColumns + column];
      data[index * nColumns + column] = Number.isNaN(value) ? 0 : (value - mean) / scale;
    });
  }
  return { data, nRows: rows.length, nColumns, means, scales };
}

/** Weighted mean and deviation in two passes, so that large offsets do not cancel. */
function momentsOf(
  { data, nColumns }: Matrix,
  column: number,
  { rows, weights }: { readonly rows: Int32Array; readonly weights: Float64Array | null },
): { mean: number; deviation: number } {
  let total = 0;
  let weightSum = 0;
  rows.forEach((row, index) => {
    const value = data[row * nColumns + column];
    if (Number.isNaN(value)) return;
    if (Math.abs(value) > LARGEST) {
      const cell = `row ${row}, column ${column}`;
      throw new RangeError(
        `matrix values must be within ±${LARGEST} for linear models, got ${value} at ${cell}`,
      );
    }
    const weight = weights?.[index] ?? 1;
    total += weight * value;
    weightSum += weight;
  });
  if (!(weightSum > 0)) return { mean: 0, deviation: 0 };
  const mean = total / weightSum;
  let squares = 0;
  rows.forEach((row, index) => {
    const value = data[row * nColumns + column];
    if (!Number.isNaN(value)) squares += (weights?.[index] ?? 1) * (value - mean) ** 2;
  });
  return { mean, deviation: Math.sqrt(squares / weightSum) };
}
