import type { Matrix } from "../matrix.ts";
import { checkFiniteOrMissing, checkRowIndices } from "../matrix.ts";
import type { TrainingHooks } from "../training-hooks.ts";

/** What a detector learns from: rows that are taken for healthy, without a target. */
export interface DetectorInput<Parameters> {
  /** Finite or NaN. */
  readonly matrix: Matrix;
  /** Rows to train on; all when absent. */
  readonly trainRows?: Int32Array;
  readonly parameters?: Partial<Parameters>;
  readonly hooks?: TrainingHooks;
}

/**
 * The checked rows to train on.
 *
 * @throws {RangeError} for infinite values, a row index out of range, no rows or no columns
 */
export function trainingRowsOf({ matrix, trainRows }: DetectorInput<unknown>): Int32Array {
  checkFiniteOrMissing(matrix);
  if (matrix.nColumns === 0) throw new RangeError("matrix must have at least one column, got 0");
  const rows = trainRows ?? Int32Array.from({ length: matrix.nRows }, (_, row) => row);
  if (rows.length === 0) throw new RangeError("trainRows must hold at least one row, got 0");
  checkRowIndices("trainRows", rows, matrix.nRows);
  return rows;
}
