import { averageRanks, ascendingOrder } from "../stats/rank.ts";
import { sumOf } from "../stats/sum.ts";
import { requireBinaryRows } from "./confusion.ts";

/** Probabilities are kept this far from 0 and 1 before the logarithm: the float64 epsilon, as in scikit-learn. */
const PROBABILITY_FLOOR = Number.EPSILON;

/** −ln p of the probability given to what happened; finite for 0 as well. */
export function surprise(probability: number): number {
  return -Math.log(Math.min(1 - PROBABILITY_FLOOR, Math.max(PROBABILITY_FLOOR, probability)));
}

/**
 * Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half.
 *
 * AUC = ( Σ ranks of positives − P (P + 1) / 2 ) / (P · N), with average ranks
 *
 * @param truth 0 or 1 per row
 * @param score finite per row; only the order matters
 * @returns in [0, 1]; NaN when one class is absent
 * @throws {RangeError} when empty, of different length, truth not 0/1, score not finite
 *
 * Cost: O(n log n), O(n) for ascending scores. Source: Hanley & McNeil 1982. Checked: tests/peers/metrics.
 */
export function rocAuc(truth: ArrayLike<number>, score: ArrayLike<number>): number {
  requireBinaryRows(truth, score);
  const positives = countPositives(truth);
  const negatives = truth.length - positives;
  if (positives === 0 || negatives === 0) return Number.NaN;
  const ranks = averageRanks(score);
  const rankSum = sumOf(truth.length, (i) => (truth[i] === 1 ? ranks[i] : 0));
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * Average precision: Σ (Rᵢ − Rᵢ₋₁) Pᵢ over the distinct scores, descending. No interpolation.
 *
 * @param truth 0 or 1 per row
 * @param score finite per row; rows with equal scores enter together
 * @returns in (0, 1]; NaN without positive rows (scikit-learn warns and answers 0)
 * @throws {RangeError} when empty, of different length, truth not 0/1, score not finite
 *
 * Cost: as {@link rocAuc}. Checked: tests/peers/metrics against average_precision_score.
 */
export function averagePrecision(truth: ArrayLike<number>, score: ArrayLike<number>): number {
  requireBinaryRows(truth, score);
  const positives = countPositives(truth);
  if (positives === 0) return Number.NaN;
  const order = ascendingOrder(score);
  let area = 0;
  let caught = 0;
  for (let end = order.length; end > 0;) {
    let start = end - 1;
    while (start > 0 && score[order[start - 1]] === score[order[end - 1]]) start--;
    let added = 0;
    for (let i = start; i < end; i++) added += truth[order[i]];
    caught += added;
    area += (added / positives) * (caught / (order.length - start));
    end = start;
  }
  return area;
}

/**
 * Mean negative log likelihood of the truth, in nats: −Σ ln p(y) / n.
 *
 * @param truth       0 or 1 per row
 * @param probability probability of class 1, in [0, 1]; clipped as in {@link surprise}
 * @throws {RangeError} as {@link rocAuc}; also for a probability outside [0, 1]
 */
export function logLoss(truth: ArrayLike<number>, probability: ArrayLike<number>): number {
  requireProbabilities(truth, probability);
  const loss = sumOf(truth.length, (i) => surprise(truth[i] === 1 ? probability[i] : 1 - probability[i]));
  return loss / truth.length;
}

/**
 * Brier score: Σ (p − y)² / n, in [0, 1], lower is better.
 *
 * @throws {RangeError} as {@link logLoss}
 */
export function brierScore(truth: ArrayLike<number>, probability: ArrayLike<number>): number {
  requireProbabilities(truth, probability);
  return sumOf(truth.length, (i) => (probability[i] - truth[i]) ** 2) / truth.length;
}

/** Number of rows whose truth is 1. */
export function countPositives(truth: ArrayLike<number>): number {
  let positives = 0;
  for (let i = 0; i < truth.length; i++) positives += truth[i];
  return positives;
}

function requireProbabilities(truth: ArrayLike<number>, probability: ArrayLike<number>): void {
  requireBinaryRows(truth, probability);
  for (let i = 0; i < probability.length; i++) {
    if (probability[i] < 0 || probability[i] > 1) {
      throw new RangeError(`probability[${i}] must be in [0, 1], got ${probability[i]}`);
    }
  }
}
