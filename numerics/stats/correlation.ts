import { requireFinite, requireSameLength } from "./checked-array.ts";
import { averageRanks } from "./rank.ts";
import { mean } from "./moments.ts";
import { sumOf } from "./sum.ts";

/**
 * Pearson correlation.
 *
 * r = Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²)
 *
 * @param x finite values
 * @param y finite values, equally many
 * @returns in [−1, 1]; NaN when either side is constant or there are fewer than two rows
 * @throws {RangeError} when lengths differ or a value is not finite
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  requireSameLength(["x", "y"], x, y);
  requireFinite("x", x);
  requireFinite("y", y);
  if (x.length < 2) return Number.NaN;
  const xMean = mean(x);
  const yMean = mean(y);
  const xx = sumOf(x.length, (i) => (x[i] - xMean) ** 2);
  const yy = sumOf(x.length, (i) => (y[i] - yMean) ** 2);
  const xy = sumOf(x.length, (i) => (x[i] - xMean) * (y[i] - yMean));
  if (xx === 0 || yy === 0) return Number.NaN;
  return Math.max(-1, Math.min(1, xy / (Math.sqrt(xx) * Math.sqrt(yy))));
}

/**
 * Spearman rank correlation: {@link pearson} of the average ranks, so ties are exact.
 *
 * @returns in [−1, 1]; NaN as in {@link pearson}
 * @throws {RangeError} when lengths differ or a value is not finite
 *
 * Checked: tests/peers/metrics against scipy.stats.spearmanr.
 */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  requireSameLength(["x", "y"], x, y);
  requireFinite("x", x);
  requireFinite("y", y);
  return pearson(averageRanks(x), averageRanks(y));
}
