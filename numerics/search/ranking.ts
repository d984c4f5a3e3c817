import { paretoFront } from "./pareto.ts";

/** A trial as far as it is compared with others. */
export interface RankedTrial {
  readonly number: number;
  /** By objective, lower is better; null for a trial that failed. */
  readonly losses: readonly number[] | null;
}

/**
 * The best trials, best first: by their only loss, or front after Pareto front; within a front, and between equals, by
 * the first loss and then by number. Failed ones are never among them.
 *
 * @param count at most so many
 *
 * Cost: O(n log n) for one objective, else O(n²) for each front that is needed.
 */
export function bestTrials<Trial extends RankedTrial>(trials: readonly Trial[], count: number): Trial[] {
  let left = trials
    .filter((trial) => trial.losses !== null)
    .sort((a, b) => firstLoss(a) - firstLoss(b) || a.number - b.number);
  const isSingle = left.every(({ losses }) => losses?.length === 1);
  if (isSingle) return left.slice(0, count);
  const best: Trial[] = [];
  while (best.length < count && left.length > 0) {
    const front = new Set(paretoFront(left.map(({ losses }) => losses ?? [])));
    best.push(...left.filter((_, place) => front.has(place)));
    left = left.filter((_, place) => !front.has(place));
  }
  return best.slice(0, count);
}

const firstLoss = ({ losses }: RankedTrial): number => losses?.[0] ?? Infinity;
