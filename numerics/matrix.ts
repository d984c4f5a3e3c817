/**
 * The one table shape that crosses this room's border: dense rows of doubles.
 *
 * Row-major because a prediction reads one row and the histogram kernel walks all features of a row;
 * NaN is the one missing marker, so there is no second mask to keep in step.
 */

/** Dense table. Row r, column c is `data[r * nColumns + c]`. */
export interface Matrix {
  /** Float64Array, row-major (nRows × nColumns), NaN = missing. */
  readonly data: Float64Array;
  readonly nRows: number;
  readonly nColumns: number;
}

/**
 * Wraps `data` (not copied) after checking its shape.
 *
 * @throws {RangeError} when a count is not a non-negative integer or the length is not nRows · nColumns
 */
export function createMatrix(data: Float64Array, nRows: number, nColumns: number): Matrix {
  const matrix: Matrix = { data, nRows, nColumns };
  checkMatrix(matrix);
  return matrix;
}

/**
 * Copies rows of plain numbers into a matrix.
 *
 * @param rows each of `nColumns` numbers, NaN = missing
 * @throws {RangeError} when a row has another length
 */
export function matrixFromRows(rows: readonly (readonly number[])[], nColumns: number): Matrix {
  const data = new Float64Array(rows.length * nColumns);
  rows.forEach((row, rowIndex) => {
    if (row.length !== nColumns) {
      throw new RangeError(`row ${rowIndex} must have ${nColumns} values, got ${row.length}`);
    }
    data.set(row, rowIndex * nColumns);
  });
  return createMatrix(data, rows.length, nColumns);
}

/**
 * Copies the named rows, in the given order; a row may be taken more than once.
 *
 * @throws {RangeError} when an index is not a row of `matrix`
 */
export function selectRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  checkRowIndices("rows", rows, matrix.nRows);
  const { data, nColumns } = matrix;
  const selected = new Float64Array(rows.length * nColumns);
  for (let index = 0; index < rows.length; index++) {
    const begin = rows[index] * nColumns;
    selected.set(data.subarray(begin, begin + nColumns), index * nColumns);
  }
  return { data: selected, nRows: rows.length, nColumns };
}

/** @throws {RangeError} naming the count or length that is wrong */
export function checkMatrix(matrix: Matrix): void {
  const { data, nRows, nColumns } = matrix;
  if (!Number.isSafeInteger(nRows) || nRows < 0)
    throw new RangeError(`nRows must be an integer ≥ 0, got ${nRows}`);
  if (!Number.isSafeInteger(nColumns) || nColumns < 0) {
    throw new RangeError(`nColumns must be an integer ≥ 0, got ${nColumns}`);
  }
  if (data.length !== nRows * nColumns) {
    throw new RangeError(
      `data must hold nRows · nColumns values [${nRows} · ${nColumns}], got ${data.length}`,
    );
  }
}

/**
 * What trainers ask beyond the shape: no infinities, which no threshold can separate.
 *
 * @throws {RangeError} naming the first infinite cell
 */
export function checkFiniteOrMissing(matrix: Matrix): void {
  checkMatrix(matrix);
  const { data, nRows, nColumns } = matrix;
  checkCells(data, { nRows, nColumns, rowOf: (place) => place });
}

/**
 * The same of rows that were read from somewhere.
 *
 * @param values Float64Array, row-major; of more than nRows · nColumns the rest is not looked at
 * @param shape.rowOf number of the row that stands at a place, for the message
 * @throws {RangeError} naming the first infinite cell
 */
export function checkCells(
  values: Float64Array,
  shape: { readonly nRows: number; readonly nColumns: number; readonly rowOf: (place: number) => number },
): void {
  const { nRows, nColumns, rowOf } = shape;
  const nValues = nRows * nColumns;
  for (let index = 0; index < nValues; index++) {
    if (values[index] === Infinity || values[index] === -Infinity) {
      const cell = `row ${rowOf(Math.floor(index / nColumns))}, column ${index % nColumns}`;
      throw new RangeError(`matrix values must be finite or NaN (missing), got ${values[index]} at ${cell}`);
    }
  }
}

/** @throws {RangeError} naming the first index outside 0 … nRows − 1 */
export function checkRowIndices(name: string, rows: ArrayLike<number>, nRows: number): void {
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    if (!Number.isInteger(row) || row < 0 || row >= nRows) {
      throw new RangeError(`${name}[${index}] must be a row in 0 … ${nRows - 1}, got ${row}`);
    }
  }
}
