import type { Matrix } from "../matrix.ts";

/**
 * From the raw scores of a forecast to its answer.
 *
 * Outputs are horizon-major: the quantiles of horizon h, ascending, are the outputs h · nQuantiles to
 * (h + 1) · nQuantiles − 1. What is learnt is the change from the value at the time of the row, so that a level that was
 * never seen in training is no obstacle:
 *
 *   answer_k = value now + raw_k + offset_k,  then sorted within its horizon
 *
 * Sorting removes quantiles that cross, and never makes the quantile loss larger (Chernozhukov, Fernández-Val & Galichon
 * 2010, doi:10.3982/ECTA7880).
 */
export interface ForecastRule {
  /** ≥ 1 */
  readonly nQuantiles: number;
  /** One per output: how far cross-validation found each quantile to be off. */
  readonly offsets: readonly number[];
  /** Column of the features with the value now; a missing one counts as `missing`. */
  readonly anchor: { readonly column: number; readonly missing: number };
}

/** Turns raw scores into ordered quantiles. Writes `values`, row-major (nRows × outputs). */
export function applyForecast(rule: ForecastRule, matrix: Matrix, values: Float64Array): void {
  const { nQuantiles, offsets } = rule;
  const nOutputs = offsets.length;
  for (let row = 0; row < matrix.nRows; row++) {
    const now = anchorOf(rule, matrix, row);
    const outputs = values.subarray(row * nOutputs, (row + 1) * nOutputs);
    for (let k = 0; k < nOutputs; k++) outputs[k] = outputs[k] + offsets[k] + now;
    for (let from = 0; from < nOutputs; from += nQuantiles) outputs.subarray(from, from + nQuantiles).sort();
  }
}

function anchorOf({ anchor }: Pick<ForecastRule, "anchor">, { data, nColumns }: Matrix, row: number): number {
  const value = data[row * nColumns + anchor.column];
  return Number.isNaN(value) ? anchor.missing : value;
}

/**
 * Checks quantile levels.
 *
 * @throws {RangeError} when there is none, one lies outside (0, 1), or they do not ascend
 */
export function checkQuantiles(quantiles: readonly number[]): void {
  if (quantiles.length === 0) throw new RangeError("quantiles must hold at least one level, got 0");
  quantiles.forEach((level, index) => {
    if (!(level > 0 && level < 1)) {
      throw new RangeError(`quantiles[${index}] must lie in (0, 1), got ${level}`);
    }
    if (index > 0 && level <= quantiles[index - 1]) {
      throw new RangeError(
        `quantiles[${index}] must be above ${quantiles[index - 1]}, the one before, got ${level}`,
      );
    }
  });
}

/** Index of the quantile nearest to one half, the lower of two equally near. */
export function medianIndex(quantiles: readonly number[]): number {
  let best = 0;
  for (let k = 1; k < quantiles.length; k++) {
    if (Math.abs(quantiles[k] - 0.5) < Math.abs(quantiles[best] - 0.5)) best = k;
  }
  return best;
}
