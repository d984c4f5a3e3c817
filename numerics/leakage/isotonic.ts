import { poolAdjacentViolators } from "../stats/adjacent-violators.ts";
import { mean } from "../stats/moments.ts";
import { ascendingOrder } from "../stats/rank.ts";
import { sumOf } from "../stats/sum.ts";

/**
 * Share of the variance of y that the best monotone function of x explains, rising or falling.
 *
 * R² = 1 − min over monotone g of Σ (y − g(x))² / Σ (y − ȳ)², found by pooling adjacent violators
 *
 * Unlike a correlation it is 1 for any monotone copy: a log, a cap, a unit. For unrelated columns it is about ln(n) / n.
 *
 * @param x finite, n ≥ 1
 * @param y finite, equally many, not constant
 * @returns in [0, 1]
 *
 * Cost: O(n log n). Source: Barlow et al. 1972 (pool adjacent violators).
 */
export function isotonicRSquared(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const order = ascendingOrder(x);
  const centre = mean(y);
  const total = sumOf(y.length, (i) => (y[i] - centre) ** 2);
  const rising = residual(x, Float64Array.from(y), order);
  const falling = residual(
    x,
    Float64Array.from(y, (value) => -value),
    order,
  );
  return Math.max(0, 1 - Math.min(rising, falling) / total);
}

/** Σ (y − g(x))² of the best rising g. */
function residual(x: ArrayLike<number>, y: Float64Array, order: Int32Array): number {
  const blocks = poolAdjacentViolators(x, y, order);
  let block = 0;
  let left = blocks[0].count;
  return sumOf(order.length, (i) => {
    if (left === 0) left = blocks[++block].count;
    left--;
    return (y[order[i]] - blocks[block].sumY / blocks[block].count) ** 2;
  });
}
