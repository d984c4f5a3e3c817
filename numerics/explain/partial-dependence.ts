import type { Matrix } from "../matrix.ts";
import type { Prediction } from "../model.ts";

/** Mean answer over rows whose feature is set to each of some values. */
export interface Dependence {
  readonly column: number;
  /** Ascending. */
  readonly values: readonly number[];
  /** Row-major (values × outputs). */
  readonly answers: readonly number[];
  readonly nOutputs: number;
}

/**
 * Partial dependence of a model on one feature.
 *
 * f̄(v) = 1/n Σ_i f(x_i with feature = v), v at evenly spread quantiles of the feature over the rows
 *
 * Where features go together the mean takes rows that never were: a hint of the shape, not of a cause.
 *
 * @param matrix   rows that are averaged over, n ≥ 1
 * @param options.nValues  most values, ≥ 2; all of them where there are no more
 * @returns null where the feature has no value on any row
 *
 * Cost: nValues · n answers. Source: Friedman 2001 (doi:10.1214/aos/1013203451), section 8.2.
 */
export function partialDependence(
  matrix: Matrix,
  column: number,
  { answer, nValues }: { readonly answer: (matrix: Matrix) => Prediction; readonly nValues: number },
): Dependence | null {
  const { nRows, nColumns } = matrix;
  const present = Float64Array.from({ length: nRows }, (_, row) => matrix.data[row * nColumns + column])
    .filter((value) => !Number.isNaN(value))
    .sort();
  const values = spreadValues(present, nValues);
  if (values.length === 0) return null;
  const data = Float64Array.from(matrix.data);
  const answers: number[] = [];
  let nOutputs = 1;
  for (const value of values) {
    for (let row = 0; row < nRows; row++) data[row * nColumns + column] = value;
    const prediction = answer({ ...matrix, data });
    nOutputs = prediction.nOutputs;
    for (let output = 0; output < nOutputs; output++) {
      let sum = 0;
      for (let row = 0; row < nRows; row++) sum += prediction.values[row * nOutputs + output];
      answers.push(sum / nRows);
    }
  }
  return { column, values, answers, nOutputs };
}

function spreadValues(sorted: Float64Array, nValues: number): number[] {
  const distinct = [...new Set(sorted)];
  if (distinct.length <= nValues) return distinct;
  const at = (k: number): number => sorted[Math.round((k * (sorted.length - 1)) / (nValues - 1))];
  return [...new Set(Array.from({ length: nValues }, (_, k) => at(k)))];
}
