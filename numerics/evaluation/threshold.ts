/**
 * Choosing when to alert, and showing what each choice would have cost.
 *
 * Thresholds are chosen on out-of-fold predictions: on the rows a model was fitted to they would be too optimistic, and the
 * holdout must stay unseen. The rule everywhere is "alert when score ≥ threshold".
 */
import { countPositives } from "../metrics/binary.ts";
import { countConfusion, f1Of, precisionOf, recallOf, requireBinaryRows } from "../metrics/confusion.ts";
import type { Confusion } from "../metrics/confusion.ts";
import { requireInRange } from "../stats/checked-array.ts";
import { ascendingOrder } from "../stats/rank.ts";

/** What a wrong decision costs, in any one currency. */
export interface AlertCosts {
  /** cost of a failure without an alert, ≥ 0 */
  readonly missedFailure: number;
  /** cost of an alert without a failure, ≥ 0 */
  readonly falseAlarm: number;
}

/** One row of the threshold table. */
export interface ThresholdRow {
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** rows that would alert */
  readonly alerts: number;
  readonly missedFailures: number;
  readonly falseAlarms: number;
  /** missed · missedFailure + false · falseAlarm; absent without declared costs */
  readonly cost?: number;
}

/**
 * The threshold that maximises F1, or minimises the declared cost, over every cut between two distinct scores.
 *
 * The cut lies halfway between the two scores it separates, so that a score that moves by a rounding error stays on its
 * side. Equal results take the highest threshold: fewest alerts. With costs, "never alert" is a candidate too; it is the
 * next number above the highest score.
 *
 * @param truth out-of-fold truth, 0 or 1 per row
 * @param score out-of-fold score per row, finite
 * @param costs omit to maximise F1
 * @returns the row of the chosen threshold
 * @throws {RangeError} when rows are empty or not binary, F1 is asked for without any positive row, or a cost is negative
 *
 * Cost: O(n log n).
 */
export function chooseThreshold(
  truth: ArrayLike<number>,
  score: ArrayLike<number>,
  costs?: AlertCosts,
): ThresholdRow {
  requireBinaryRows(truth, score);
  if (costs) requireCosts(costs);
  const positives = countPositives(truth);
  if (!costs && positives === 0) throw new RangeError("F1 needs at least one positive row, got none");
  const order = ascendingOrder(score);
  const n = order.length;
  let best = nextUp(score[order[n - 1]]);
  let bestLoss = costs ? positives * costs.missedFailure : Number.POSITIVE_INFINITY;
  let caught = 0;
  for (let start = n - 1; start >= 0; start--) {
    caught += truth[order[start]];
    const isInsideTie = start > 0 && score[order[start - 1]] === score[order[start]];
    if (isInsideTie) continue;
    const alerts = n - start;
    const loss = costs
      ? (positives - caught) * costs.missedFailure + (alerts - caught) * costs.falseAlarm
      : (-2 * caught) / (alerts + positives);
    if (loss < bestLoss) {
      bestLoss = loss;
      best = start === 0 ? score[order[0]] : between(score[order[start - 1]], score[order[start]]);
    }
  }
  return describeThreshold(countConfusion(truth, score, best), best, costs);
}

/**
 * What each threshold would have done.
 *
 * @param truth      0 or 1 per row
 * @param score      finite per row
 * @param thresholds in any order; `0.05, 0.10 … 0.95` suits probabilities
 * @param costs      omit to leave cost out
 * @returns one row per threshold, ascending, duplicates removed
 * @throws {RangeError} when rows are empty or not binary, a threshold is NaN or a cost is negative
 */
export function thresholdTable(
  truth: ArrayLike<number>,
  score: ArrayLike<number>,
  options: { readonly thresholds?: ArrayLike<number>; readonly costs?: AlertCosts } = {},
): ThresholdRow[] {
  const { costs } = options;
  if (costs) requireCosts(costs);
  const thresholds = options.thresholds ?? Array.from({ length: 19 }, (_, i) => (i + 1) / 20);
  return [...new Set(Array.from(thresholds))]
    .sort((a, b) => a - b)
    .map((threshold) => describeThreshold(countConfusion(truth, score, threshold), threshold, costs));
}

function describeThreshold(
  counts: Confusion,
  threshold: number,
  costs: AlertCosts | undefined,
): ThresholdRow {
  const row: ThresholdRow = {
    threshold,
    precision: precisionOf(counts),
    recall: recallOf(counts),
    f1: f1Of(counts),
    alerts: counts.truePositives + counts.falsePositives,
    missedFailures: counts.falseNegatives,
    falseAlarms: counts.falsePositives,
  };
  if (!costs) return row;
  return {
    ...row,
    cost: counts.falseNegatives * costs.missedFailure + counts.falsePositives * costs.falseAlarm,
  };
}

function requireCosts(costs: AlertCosts): void {
  requireInRange("missedFailure", costs.missedFailure, [0, Number.MAX_VALUE]);
  requireInRange("falseAlarm", costs.falseAlarm, [0, Number.MAX_VALUE]);
}

/** Halfway, but never down to `low` itself: neighbouring doubles have nothing between them. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  return middle > low ? middle : high;
}

/** The next double above a finite number. */
function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
