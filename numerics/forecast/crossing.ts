/** A value above or below which something is crossed; at least one is given. */
export interface CrossingLimit {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

/**
 * Probability that the truth lies beyond a limit, read off the quantiles: straight between them, and straight on beyond the
 * outermost, down to 0 and up to 1. One quantile alone says only on which side of the limit it lies.
 *
 * @param values  quantiles, ascending
 * @param levels  of each, ascending in (0, 1)
 * @returns in [0, 1]; of two limits the sum
 */
export function crossingProbability(
  values: ArrayLike<number>,
  levels: readonly number[],
  { above, below }: CrossingLimit,
): number {
  const over = above === undefined ? 0 : 1 - levelAt(values, levels, above);
  const under = below === undefined ? 0 : levelAt(values, levels, below);
  return Math.min(1, over + under);
}

/** Probability that the truth is at most `x`. */
function levelAt(values: ArrayLike<number>, levels: readonly number[], x: number): number {
  const n = levels.length;
  if (n === 1) return x < values[0] ? 0 : 1;
  let right = 1;
  while (right < n - 1 && values[right] < x) right++;
  const left = right - 1;
  const width = values[right] - values[left];
  // Equal quantiles are a step; the truth is beyond it or not.
  if (!(width > 0)) return x < values[left] ? (left === 0 ? 0 : levels[left]) : stepOver(values, levels, x);
  const level = levels[left] + ((x - values[left]) / width) * (levels[right] - levels[left]);
  return Math.min(1, Math.max(0, level));
}

function stepOver(values: ArrayLike<number>, levels: readonly number[], x: number): number {
  const last = levels.length - 1;
  return x >= values[last] ? 1 : levels[last];
}
