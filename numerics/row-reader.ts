import type { Matrix } from "./matrix.ts";
import { checkMatrix } from "./matrix.ts";

/**
 * Rows of doubles that need not lie in memory at once: what a training of more rows than an array holds reads, a batch
 * at a time.
 */
export interface RowReader {
  readonly nRows: number;
  readonly nColumns: number;
  /**
   * Copies rows, in the order given; lists are ascending wherever the caller can choose.
   *
   * @param rows   indices in 0 … nRows − 1
   * @param target Float64Array, row-major (rows.length × nColumns), written; NaN = missing
   */
  readonly read: (rows: Int32Array, target: Float64Array) => void;
}

/** @throws {RangeError} when the shape of a matrix is wrong */
export function readerOf(source: Matrix | RowReader): RowReader {
  if ("read" in source) return source;
  checkMatrix(source);
  const { data, nRows, nColumns } = source;
  return {
    nRows,
    nColumns,
    read(rows, target) {
      // Neighbouring rows are copied at once.
      for (let index = 0; index < rows.length;) {
        let end = index + 1;
        while (end < rows.length && rows[end] === rows[end - 1] + 1) end++;
        const from = rows[index] * nColumns;
        target.set(data.subarray(from, from + (end - index) * nColumns), index * nColumns);
        index = end;
      }
    },
  };
}
