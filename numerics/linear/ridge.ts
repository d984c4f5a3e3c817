/** Least squares with an L2 penalty in closed form, and with an L1 penalty as well by coordinate descent. */
import { solveCholesky } from "./cholesky.ts";
import type { Standardised } from "./standardise.ts";

/** Coefficients of standardised columns, output-major (nOutputs × nColumns), and intercepts. */
export interface LinearFit {
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
}

/**
 * Minimises ½ Σ w (y − b − xβ)² + ½ λ₂ |β|².
 *
 *   (Xᵀ W X + λ₂ I) β = Xᵀ W (y − ȳ), with X and y centred by their weighted means
 *
 * Cost: nRows · nColumns² / 2 + nColumns³ / 6.
 */
export function fitRidge(
  table: Standardised,
  values: Float64Array,
  options: { readonly weights: Float64Array | null; readonly lambdaL2: number },
): LinearFit {
  const normal = normalEquations(table, values, options.weights);
  const { gram, moments } = normal;
  const { nColumns } = table;
  for (let column = 0; column < nColumns; column++) gram[column * nColumns + column] += options.lambdaL2;
  return withIntercept(solveCholesky(gram, moments), normal);
}

export interface ElasticNetOptions {
  readonly weights: Float64Array | null;
  /** ≥ 0 */
  readonly lambdaL1: number;
  /** ≥ 0 */
  readonly lambdaL2: number;
  readonly maxIterations: number;
  /** Solved when no coefficient moves by more, relative to the largest one. */
  readonly tolerance: number;
  /** Called after each sweep with the largest move. */
  readonly onStep?: (iteration: number, metric: number) => void;
}

/**
 * Minimises ½ Σ w (y − b − xβ)² + λ₁ |β|₁ + ½ λ₂ |β|²: columns that say little get a coefficient of exactly 0.
 *
 *   β_j ← S(m_j − Σ_{k≠j} G_jk β_k, λ₁) / (G_jj + λ₂),  S(z, λ) = sign(z) max(0, |z| − λ)
 *
 * with G and m of the normal equations. Cost: as ridge, and nColumns² a sweep.
 * Source: Friedman, Hastie & Tibshirani 2010 (doi:10.18637/jss.v033.i01), covariance updates.
 */
export function fitElasticNet(
  table: Standardised,
  values: Float64Array,
  options: ElasticNetOptions,
): LinearFit {
  const { lambdaL1, lambdaL2, maxIterations, tolerance, onStep } = options;
  const normal = normalEquations(table, values, options.weights);
  const { gram, moments } = normal;
  const { nColumns } = table;
  const coefficients = new Float64Array(nColumns);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    let largestMove = 0;
    let largest = 0;
    for (let column = 0; column < nColumns; column++) {
      const begin = column * nColumns;
      let pull = moments[column];
      for (let other = 0; other < nColumns; other++) pull -= gram[begin + other] * coefficients[other];
      pull += gram[begin + column] * coefficients[column];
      const shrunk = Math.sign(pull) * Math.max(0, Math.abs(pull) - lambdaL1);
      const curvature = gram[begin + column] + lambdaL2;
      // Plus 0: a sign shall not survive where nothing else does.
      const next = curvature > 0 ? shrunk / curvature + 0 : 0;
      largestMove = Math.max(largestMove, Math.abs(next - coefficients[column]));
      largest = Math.max(largest, Math.abs(next));
      coefficients[column] = next;
    }
    onStep?.(iteration, largestMove);
    if (largestMove <= tolerance * largest) break;
  }
  return withIntercept(coefficients, normal);
}

interface NormalEquations {
  /** Float64Array (nColumns × nColumns): Xᵀ W X of the centred columns; the lower triangle and its mirror. */
  readonly gram: Float64Array;
  /** Xᵀ W (y − ȳ) */
  readonly moments: Float64Array;
  readonly columnMeans: Float64Array;
  readonly mean: number;
}

function normalEquations(
  { data, nRows, nColumns }: Standardised,
  values: Float64Array,
  weights: Float64Array | null,
): NormalEquations {
  let weightSum = 0;
  let valueSum = 0;
  // Columns with missing values are centred over their present rows only: centre again over all.
  const columnMeans = new Float64Array(nColumns);
  for (let row = 0; row < nRows; row++) {
    const weight = weights === null ? 1 : weights[row];
    weightSum += weight;
    valueSum += weight * values[row];
    for (let column = 0; column < nColumns; column++)
      columnMeans[column] += weight * data[row * nColumns + column];
  }
  const mean = valueSum / weightSum;
  for (let column = 0; column < nColumns; column++) columnMeans[column] /= weightSum;
  const gram = new Float64Array(nColumns * nColumns);
  const moments = new Float64Array(nColumns);
  const centred = new Float64Array(nColumns);
  for (let row = 0; row < nRows; row++) {
    const weight = weights === null ? 1 : weights[row];
    for (let column = 0; column < nColumns; column++) {
      centred[column] = data[row * nColumns + column] - columnMeans[column];
    }
    for (let column = 0; column < nColumns; column++) {
      const weighted = weight * centred[column];
      moments[column] += weighted * (values[row] - mean);
      for (let other = 0; other <= column; other++)
        gram[column * nColumns + other] += weighted * centred[other];
    }
  }
  for (let column = 0; column < nColumns; column++) {
    for (let other = 0; other < column; other++)
      gram[other * nColumns + column] = gram[column * nColumns + other];
  }
  return { gram, moments, columnMeans, mean };
}

function withIntercept(coefficients: Float64Array, { columnMeans, mean }: NormalEquations): LinearFit {
  let intercept = mean;
  coefficients.forEach((coefficient, column) => (intercept -= coefficient * columnMeans[column]));
  return { coefficients, intercepts: Float64Array.of(intercept) };
}
