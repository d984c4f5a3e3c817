/** Least squares with an L2 penalty, in closed form. */
import { solveCholesky } from "./cholesky.ts";
import type { Standardised } from "./standardise.ts";

/** Coefficients of standardised columns, output-major (nOutputs × nColumns), and intercepts. */
export interface LinearFit {
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
}

/**
 * Minimises Σ w (y − b − xβ)² + λ |β|².
 *
 *   (Xᵀ W X + λ I) β = Xᵀ W (y − ȳ), with X and y centred by their weighted means
 *
 * Cost: nRows · nColumns² / 2 + nColumns³ / 6.
 */
export function fitRidge(
  table: Standardised,
  values: Float64Array,
  options: { readonly weights: Float64Array | null; readonly lambdaL2: number },
): LinearFit {
  const { data, nRows, nColumns } = table;
  const { weights, lambdaL2 } = options;
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
  for (let column = 0; column < nColumns; column++) gram[column * nColumns + column] += lambdaL2;
  const coefficients = solveCholesky(gram, moments);
  let intercept = mean;
  for (let column = 0; column < nColumns; column++) intercept -= coefficients[column] * columnMeans[column];
  return { coefficients, intercepts: Float64Array.of(intercept) };
}
