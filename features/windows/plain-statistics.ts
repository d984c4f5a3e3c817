import { compensatedSum } from "../../numerics/stats/sum.ts";
import { quantile } from "../../numerics/stats/quantile.ts";
import { standardDeviation } from "../../numerics/stats/moments.ts";

/**
 * The statistics of the reference evaluators: two passes, compensated sums, nothing incremental.
 */
export const sumOf = compensatedSum;
export const quantileOf = quantile;

/** Sample standard deviation (ddof 1), NaN for fewer than two values. */
export function stdOf(values: ArrayLike<number>): number {
  return values.length < 2 ? Number.NaN : standardDeviation(values, 1);
}
