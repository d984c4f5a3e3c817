import { requireFinite, requireNonEmpty, requireSameLength } from "../stats/checked-array.ts";

/** Counts of a binary decision against the truth. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/**
 * Refuse rows on which binary metrics have no meaning.
 *
 * @param truth 0 or 1 per row
 * @param score finite per row
 * @throws {RangeError} when empty, of different length, a truth other than 0 or 1, or a score that is not finite
 */
export function requireBinaryRows(truth: ArrayLike<number>, score: ArrayLike<number>): void {
  requireSameLength(["truth", "score"], truth, score);
  requireNonEmpty("truth", truth);
  requireFinite("score", score);
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] !== 0 && truth[i] !== 1) throw new RangeError(`truth[${i}] must be 0 or 1, got ${truth[i]}`);
  }
}

/**
 * Confusion counts of the rule "alert when score ≥ threshold".
 *
 * @param truth     0 or 1 per row
 * @param score     finite per row, in any unit
 * @param threshold same unit as the score; Infinity never alerts
 * @throws {RangeError} as {@link requireBinaryRows}; also for a NaN threshold
 */
export function countConfusion(
  truth: ArrayLike<number>,
  score: ArrayLike<number>,
  threshold: number,
): Confusion {
  requireBinaryRows(truth, score);
  if (Number.isNaN(threshold)) throw new RangeError("threshold must be a number, got NaN");
  let truePositives = 0;
  let falsePositives = 0;
  let positives = 0;
  for (let i = 0; i < truth.length; i++) {
    positives += truth[i];
    if (score[i] < threshold) continue;
    if (truth[i] === 1) truePositives++;
    else falsePositives++;
  }
  const trueNegatives = truth.length - positives - falsePositives;
  return { truePositives, falsePositives, trueNegatives, falseNegatives: positives - truePositives };
}

/** What precision, recall and F1 need: they do not look at what was rightly passed over. */
type Alerts = Omit<Confusion, "trueNegatives">;

/** Share of alerts that were right: TP / (TP + FP); 0 without alerts, as in scikit-learn. */
export function precisionOf(counts: Alerts): number {
  return ratio(counts.truePositives, counts.truePositives + counts.falsePositives);
}

/** Share of failures that were caught: TP / (TP + FN); 0 without failures, as in scikit-learn. */
export function recallOf(counts: Alerts): number {
  return ratio(counts.truePositives, counts.truePositives + counts.falseNegatives);
}

/** Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN); 0 when all three counts are 0. */
export function f1Of(counts: Alerts): number {
  const { truePositives, falsePositives, falseNegatives } = counts;
  return ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);
}

/** Share of right decisions: (TP + TN) / n. */
export function accuracyOf(counts: Confusion): number {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
  const right = truePositives + trueNegatives;
  return ratio(right, right + falsePositives + falseNegatives);
}

/**
 * Matthews correlation: (TP · TN − FP · FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)), in [−1, 1].
 *
 * 0 when a factor is 0, as in scikit-learn. The root is taken factor by factor so that large counts cannot overflow 2⁵³.
 */
export function matthewsOf(counts: Confusion): number {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
  const root =
    Math.sqrt(truePositives + falsePositives) *
    Math.sqrt(truePositives + falseNegatives) *
    Math.sqrt(trueNegatives + falsePositives) *
    Math.sqrt(trueNegatives + falseNegatives);
  return ratio(truePositives * trueNegatives - falsePositives * falseNegatives, root);
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}
