import type { EigenDecomposition } from "./jacobi.ts";

/** QL steps that a value may take; three are usual. */
const MAX_STEPS = 60;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by Householder's reduction to three diagonals and implicit QL: about
 * a seventh of the work of `decomposeSymmetric` (Jacobi), for many columns. Small eigenvalues are accurate beside the
 * largest one, not beside themselves.
 *
 * @param matrix Float64Array, row-major (n × n), symmetric and finite; not changed
 * @returns as `decomposeSymmetric`: largest first, the largest entry of each vector positive
 * @throws {RangeError} when the length is not n², an entry is not finite, or QL does not converge
 *
 * Cost: about 5 n³. Deterministic.
 * Source: Martin, Reinsch & Wilkinson 1968 (doi:10.1007/BF02161360), Bowdler et al. 1968 (doi:10.1007/BF02161361), in the
 * form of JAMA (public domain). Checked: tridiagonal.test.ts against Jacobi.
 */
export function decomposeByReduction(matrix: Float64Array, n: number): EigenDecomposition {
  if (matrix.length !== n * n)
    throw new RangeError(`matrix must hold n² values [${n}²], got ${matrix.length}`);
  if (!matrix.every(Number.isFinite)) throw new RangeError("matrix must be finite");
  const v = Float64Array.from(matrix);
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  if (n > 0) {
    reduce({ v, d, e, n });
    diagonalise({ v, d, e, n });
  }
  return ordered(v, d, n);
}

/** v: (n × n), d: diagonal, e: entries below it. */
interface Reduction {
  readonly v: Float64Array;
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly n: number;
}

/** Householder reflections from the last row up; afterwards v holds the transposed product of them. */
function reduce({ v, d, e, n }: Reduction): void {
  for (let j = 0; j < n; j++) d[j] = v[(n - 1) * n + j];
  for (let i = n - 1; i > 0; i--) {
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]);
    if (scale === 0) {
      e[i] = d[i - 1];
      for (let j = 0; j < i; j++) {
        d[j] = v[(i - 1) * n + j];
        v[i * n + j] = 0;
        v[j * n + i] = 0;
      }
      d[i] = 0;
      continue;
    }
    d[i] = reflect({ v, d, e, n }, i, scale);
  }
  accumulate({ v, d, e, n });
}

/** One reflection that clears row i left of the diagonals; returns half the squared length of its vector, times 2. */
function reflect({ v, d, e, n }: Reduction, i: number, scale: number): number {
  let h = 0;
  for (let k = 0; k < i; k++) {
    d[k] /= scale;
    h += d[k] * d[k];
  }
  const f = d[i - 1];
  const g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
  e[i] = scale * g;
  h -= f * g;
  d[i - 1] = f - g;
  e.fill(0, 0, i);
  for (let j = 0; j < i; j++) {
    v[j * n + i] = d[j];
    let sum = e[j] + v[j * n + j] * d[j];
    for (let k = j + 1; k < i; k++) {
      sum += v[k * n + j] * d[k];
      e[k] += v[k * n + j] * d[j];
    }
    e[j] = sum;
  }
  let product = 0;
  for (let j = 0; j < i; j++) {
    e[j] /= h;
    product += e[j] * d[j];
  }
  for (let j = 0; j < i; j++) e[j] -= (product / (h + h)) * d[j];
  for (let j = 0; j < i; j++) {
    for (let k = j; k < i; k++) v[k * n + j] -= d[j] * e[k] + e[j] * d[k];
    d[j] = v[(i - 1) * n + j];
    v[i * n + j] = 0;
  }
  return h;
}

/** Multiplies the reflections out. */
function accumulate({ v, d, e, n }: Reduction): void {
  for (let i = 0; i < n - 1; i++) {
    v[(n - 1) * n + i] = v[i * n + i];
    v[i * n + i] = 1;
    const h = d[i + 1];
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[k * n + i + 1] / h;
      for (let j = 0; j <= i; j++) {
        let g = 0;
        for (let k = 0; k <= i; k++) g += v[k * n + i + 1] * v[k * n + j];
        for (let k = 0; k <= i; k++) v[k * n + j] -= g * d[k];
      }
    }
    for (let k = 0; k <= i; k++) v[k * n + i + 1] = 0;
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[(n - 1) * n + j];
    v[(n - 1) * n + j] = 0;
  }
  v[n * n - 1] = 1;
  e[0] = 0;
}

/** Implicit QL with Wilkinson's shift. */
function diagonalise({ v, d, e, n }: Reduction): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(d[l]) + Math.abs(e[l]));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * largest) m++;
    for (let step = 0; m > l; step++) {
      if (step === MAX_STEPS) throw new RangeError(`eigenvalue ${l} did not converge in ${MAX_STEPS} steps`);
      shift += sweep({ v, d, e, n }, l, m);
      if (Math.abs(e[l]) <= Number.EPSILON * largest) break;
    }
    d[l] += shift;
    e[l] = 0;
  }
}

/** One QL step on rows l … m; returns how far it has shifted what comes after. */
function sweep({ v, d, e, n }: Reduction, l: number, m: number): number {
  const g = d[l];
  let p = (d[l + 1] - g) / (2 * e[l]);
  const r = p < 0 ? -Math.hypot(p, 1) : Math.hypot(p, 1);
  d[l] = e[l] / (p + r);
  d[l + 1] = e[l] * (p + r);
  const next = d[l + 1];
  const h = g - d[l];
  for (let i = l + 2; i < n; i++) d[i] -= h;
  p = d[m];
  let [c, c2, c3] = [1, 1, 1];
  const below = e[l + 1];
  let [s, s2] = [0, 0];
  for (let i = m - 1; i >= l; i--) {
    c3 = c2;
    c2 = c;
    s2 = s;
    const scaled = c * e[i];
    const middle = c * p;
    const length = Math.hypot(p, e[i]);
    e[i + 1] = s * length;
    s = e[i] / length;
    c = p / length;
    p = c * d[i] - s * scaled;
    d[i + 1] = middle + s * (c * scaled + s * d[i]);
    for (let k = 0; k < n; k++) {
      const row = k * n + i;
      const right = v[row + 1];
      v[row + 1] = s * v[row] + c * right;
      v[row] = c * v[row] - s * right;
    }
  }
  p = (-s * s2 * c3 * below * e[l]) / next;
  e[l] = s * p;
  d[l] = c * p;
  return h;
}

function ordered(v: Float64Array, d: Float64Array, n: number): EigenDecomposition {
  const order = Array.from({ length: n }, (_, k) => k).sort((x, y) => d[y] - d[x] || x - y);
  const vectors = new Float64Array(n * n);
  order.forEach((from, k) => {
    let top = 0;
    for (let row = 0; row < n; row++) {
      if (Math.abs(v[row * n + from]) > Math.abs(top)) top = v[row * n + from];
    }
    for (let row = 0; row < n; row++) vectors[row * n + k] = top < 0 ? -v[row * n + from] : v[row * n + from];
  });
  return { values: Float64Array.from(order, (k) => d[k]), vectors };
}
