/** Eigenvalues and eigenvectors of a symmetric matrix. */

export interface EigenDecomposition {
  /** Float64Array (n), largest first. */
  readonly values: Float64Array;
  /** Float64Array, row-major (n × n): column k is the eigenvector of value k, its largest entry positive. */
  readonly vectors: Float64Array;
}

const MAX_SWEEPS = 60;
/** Off-diagonal mass, relative to all, that counts as zero. */
const TOLERANCE = 1e-15;

/**
 * Cyclic Jacobi: each rotation makes one entry off the diagonal zero, until none is left.
 *
 * @param matrix Float64Array, row-major (n × n), symmetric and finite; not changed
 * @throws {RangeError} when the length is not n², or an entry is not finite
 *
 * Cost: about 8 sweeps of 4 n³. Accurate to rounding, also for small eigenvalues. Deterministic: entries go in one
 * order, and the sign of each vector is fixed.
 * Source: Golub & Van Loan, Matrix Computations, 8.5.
 */
export function decomposeSymmetric(matrix: Float64Array, n: number): EigenDecomposition {
  if (matrix.length !== n * n)
    throw new RangeError(`matrix must hold n² values [${n}²], got ${matrix.length}`);
  for (let index = 0; index < matrix.length; index++) {
    if (!Number.isFinite(matrix[index]))
      throw new RangeError(`matrix[${index}] must be finite, got ${matrix[index]}`);
  }
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let index = 0; index < n; index++) v[index * n + index] = 1;
  const total = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < MAX_SWEEPS && offDiagonal(a, n) > TOLERANCE * TOLERANCE * total; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) rotate(a, v, { n, p, q });
    }
  }
  return ordered(a, v, n);
}

function offDiagonal(a: Float64Array, n: number): number {
  let sum = 0;
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < row; column++) sum += 2 * a[row * n + column] ** 2;
  }
  return sum;
}

/** Makes a[p][q] zero: a ← Jᵀ a J, v ← v J. */
function rotate(
  a: Float64Array,
  v: Float64Array,
  { n, p, q }: { readonly n: number; readonly p: number; readonly q: number },
): void {
  const off = a[p * n + q];
  if (off === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
  const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(1 + theta * theta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = tangent * cosine;
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k * n + p], a[k * n + q]];
    a[k * n + p] = cosine * x - sine * y;
    a[k * n + q] = sine * x + cosine * y;
  }
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k], a[q * n + k]];
    a[p * n + k] = cosine * x - sine * y;
    a[q * n + k] = sine * x + cosine * y;
    const [s, t] = [v[k * n + p], v[k * n + q]];
    v[k * n + p] = cosine * s - sine * t;
    v[k * n + q] = sine * s + cosine * t;
  }
  a[p * n + q] = 0;
  a[q * n + p] = 0;
}

function ordered(a: Float64Array, v: Float64Array, n: number): EigenDecomposition {
  const order = Array.from({ length: n }, (_, k) => k).sort((x, y) => a[y * n + y] - a[x * n + x] || x - y);
  const vectors = new Float64Array(n * n);
  order.forEach((from, k) => {
    let top = 0;
    for (let row = 0; row < n; row++) {
      if (Math.abs(v[row * n + from]) > Math.abs(top)) top = v[row * n + from];
    }
    for (let row = 0; row < n; row++) vectors[row * n + k] = top < 0 ? -v[row * n + from] : v[row * n + from];
  });
  return { values: Float64Array.from(order, (k) => a[k * n + k]), vectors };
}
