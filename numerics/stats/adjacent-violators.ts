import { ascendingOrder } from "./rank.ts";

/** Neighbouring rows, in the order of x, that share one value of the best rising function. */
export interface PooledBlock {
  readonly count: number;
  readonly sumX: number;
  readonly sumY: number;
}

/**
 * The rising function g of x with the least Σ (y − g(x))², as blocks of constant value sumY / count.
 *
 * Rows with equal x share one value, so they form one block from the start; a block whose mean is not above the one
 * before it is pooled with it.
 *
 * @param x     finite, n ≥ 1
 * @param y     finite, equally many
 * @param order rows by ascending x; default: found here
 * @returns blocks in ascending x, their means strictly ascending
 *
 * Cost: O(n) beside the sort. Source: Barlow et al. 1972 (pool adjacent violators).
 */
export function poolAdjacentViolators(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  order: Int32Array = ascendingOrder(x),
): PooledBlock[] {
  const blocks: PooledBlock[] = [];
  for (let start = 0; start < order.length;) {
    let end = start;
    let sumX = 0;
    let sumY = 0;
    while (end < order.length && x[order[end]] === x[order[start]]) {
      sumX += x[order[end]];
      sumY += y[order[end++]];
    }
    let count = end - start;
    for (let before = blocks.at(-1); before !== undefined; before = blocks.at(-1)) {
      if (before.sumY / before.count < sumY / count) break;
      blocks.pop();
      sumX += before.sumX;
      sumY += before.sumY;
      count += before.count;
    }
    blocks.push({ count, sumX, sumY });
    start = end;
  }
  return blocks;
}
