import type { TargetRows } from "./objective.ts";
import { weightOf } from "./objective.ts";

/** Σ w · read(y) / Σ w, in row order. */
export function weightedMean(rows: TargetRows, read: (target: number) => number): number {
  let total = 0;
  let weightSum = 0;
  for (let row = 0; row < rows.targets.length; row++) {
    const weight = weightOf(rows, row);
    total += weight * read(rows.targets[row]);
    weightSum += weight;
  }
  return total / weightSum;
}

/**
 * The smallest value at which the weights reach `level` of their sum: a minimiser of the weighted quantile loss.
 *
 * @param values  sorted in place together with `weights`
 * @param weights ≥ 0, or empty for 1
 * @returns 0 for no values
 *
 * Cost: a sort. Deterministic: equal values are equal whatever their order.
 */
export function weightedQuantile(values: Float64Array, weights: Float64Array, level: number): number {
  const n = values.length;
  if (n === 0) return 0;
  if (weights.length === 0) {
    values.sort();
    return values[Math.min(n - 1, Math.max(0, Math.ceil(level * n) - 1))];
  }
  const order = Int32Array.from(values, (_, place) => place).sort((a, b) => values[a] - values[b] || a - b);
  let total = 0;
  for (const place of order) total += weights[place];
  let reached = 0;
  for (const place of order) {
    reached += weights[place];
    if (reached >= level * total && weights[place] > 0) return values[place];
  }
  return values[order[n - 1]];
}
