import { requireFinite, requireNonEmpty, requireSameLength } from "../stats/checked-array.ts";
import { ascendingOrder } from "../stats/rank.ts";

/** Lives and what was predicted of them; all of one length. */
export interface PredictedLives {
  /** Finite: the life, or what it is known to exceed. */
  readonly lives: ArrayLike<number>;
  /** 1 where the life is only known to be at least this. */
  readonly isBound: ArrayLike<number>;
  /** Finite; larger means a longer life. */
  readonly predictions: ArrayLike<number>;
}

/**
 * Harrell's concordance index: of the pairs of rows of which it is known who fails first, the share in which that one
 * has the lower prediction. A pair is known when the shorter life has ended; of equal lives when exactly one is a bound,
 * which is the longer then. Equal predictions count half.
 *
 * @returns 0 … 1, 0.5 for a constant; NaN when no pair is known
 * @throws {RangeError} when empty, of different length or not finite
 *
 * Cost: O(n log n): from the longest life to the shortest, over a tree of counts by rank of the prediction.
 * Source: Harrell, Lee & Mark 1996 (doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).
 */
export function concordanceIndex({ lives, isBound, predictions }: PredictedLives): number {
  requireSameLength(["lives", "predictions"], lives, predictions);
  requireSameLength(["lives", "isBound"], lives, isBound);
  requireNonEmpty("lives", lives);
  requireFinite("lives", lives);
  requireFinite("predictions", predictions);
  const { ranks, nRanks } = denseRanks(predictions);
  const longer = new RankCounts(nRanks);
  const byLife = ascendingOrder(lives);
  let agreed = 0;
  let nPairs = 0;
  for (let end = byLife.length; end > 0;) {
    let begin = end - 1;
    while (begin > 0 && lives[byLife[begin - 1]] === lives[byLife[end - 1]]) begin--;
    const equals = byLife.subarray(begin, end);
    for (const row of equals) if (isBound[row] === 1) longer.add(ranks[row]);
    for (const row of equals) {
      if (isBound[row] === 1) continue;
      const below = longer.countBelow(ranks[row]);
      const upTo = longer.countBelow(ranks[row] + 1);
      agreed += longer.total - upTo + (upTo - below) / 2;
      nPairs += longer.total;
    }
    for (const row of equals) if (isBound[row] !== 1) longer.add(ranks[row]);
    end = begin;
  }
  return nPairs === 0 ? Number.NaN : agreed / nPairs;
}

/** Rank of each value among the distinct ones, from 0. */
function denseRanks(values: ArrayLike<number>): { readonly ranks: Int32Array; readonly nRanks: number } {
  const order = ascendingOrder(values);
  const ranks = new Int32Array(order.length);
  let rank = 0;
  order.forEach((row, place) => {
    if (place > 0 && values[row] !== values[order[place - 1]]) rank++;
    ranks[row] = rank;
  });
  return { ranks, nRanks: rank + 1 };
}

/** How many rows have each rank, with sums over all lower ranks in O(log n) (a Fenwick tree). */
class RankCounts {
  readonly #sums: Float64Array;
  total = 0;

  constructor(nRanks: number) {
    this.#sums = new Float64Array(nRanks + 1);
  }

  add(rank: number): void {
    this.total++;
    for (let at = rank + 1; at < this.#sums.length; at += at & -at) this.#sums[at]++;
  }

  countBelow(rank: number): number {
    let count = 0;
    for (let at = rank; at > 0; at -= at & -at) count += this.#sums[at];
    return count;
  }
}
