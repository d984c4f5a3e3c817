/** Solves symmetric positive definite systems. */

/**
 * Solves A x = b by A = L Lᵀ.
 *
 * @param a Float64Array, row-major (n × n), symmetric; the lower triangle is overwritten by L
 * @param b Float64Array (n); not changed
 * @returns x, with 0 for unknowns whose pivot vanishes: columns that depend on earlier ones
 *
 * Cost: n³/6 multiplications. Source: Golub & Van Loan, Matrix Computations, 4th ed., alg. 4.2.1.
 */
export function solveCholesky(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const isFree = factorise(a, n);
  const x = b.slice();
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < row; column++) x[row] -= a[row * n + column] * x[column];
    x[row] = isFree[row] === 1 ? 0 : x[row] / a[row * n + row];
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let below = row + 1; below < n; below++) x[row] -= a[below * n + row] * x[below];
    x[row] = isFree[row] === 1 ? 0 : x[row] / a[row * n + row];
  }
  return x;
}

/** Pivots below this share of their diagonal are rounding. */
const PIVOT_RATIO = 1e-12;

/** Overwrites the lower triangle with L; marks vanished pivots, whose row and column of L are 0. */
function factorise(a: Float64Array, n: number): Uint8Array {
  const isFree = new Uint8Array(n);
  for (let column = 0; column < n; column++) {
    const diagonal = a[column * n + column];
    let pivot = diagonal;
    for (let k = 0; k < column; k++) pivot -= a[column * n + k] ** 2;
    const isVanished = !(pivot > PIVOT_RATIO * diagonal);
    isFree[column] = isVanished ? 1 : 0;
    const root = isVanished ? 0 : Math.sqrt(pivot);
    a[column * n + column] = root;
    for (let row = column + 1; row < n; row++) {
      if (isVanished) {
        a[row * n + column] = 0;
        continue;
      }
      let value = a[row * n + column];
      for (let k = 0; k < column; k++) value -= a[row * n + k] * a[column * n + k];
      a[row * n + column] = value / root;
    }
  }
  return isFree;
}
