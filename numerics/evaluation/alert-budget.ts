/**
 * Thresholds without labels: as many alerts as people can look at.
 *
 * An alert is an asset and a day with at least one reading at or above the threshold: people look at a machine once a
 * day, however long it stays unusual. A lower threshold therefore never has fewer alerts. Months are counted in days that
 * have readings, so that idle machines use up no budget. The rule everywhere is "alert when score ≥ threshold".
 */
import { requireFinite, requireInRange, requireNonEmpty, requireSameLength } from "../stats/checked-array.ts";
import { ascendingOrder } from "../stats/rank.ts";

/** Mean days of a month. */
const DAYS_PER_MONTH = 30.4375;

/** How many alerts are wanted, at most. */
export type AlertBudget =
  /** Share of the rows, 0 … 1. */
  | { readonly kind: "share"; readonly share: number }
  /** Alerts of each asset in a month, > 0. */
  | { readonly kind: "perAssetMonth"; readonly alerts: number };

export interface ScoredRows {
  /** Finite; larger is more unusual. */
  readonly score: Float64Array;
  /** Asset and day of each row, as any code of the two; absent where rows have no time. */
  readonly assetDay?: Float64Array;
}

/** What a threshold would have done. */
export interface AlertCount {
  readonly threshold: number;
  /** Rows at or above it, as a share. */
  readonly alertShare: number;
  /** Rows at or above it. */
  readonly alertRows: number;
  /** Absent where rows have no time. */
  readonly alertsPerAssetMonth?: number;
}

/**
 * The lowest threshold that keeps the budget.
 *
 * @returns halfway between the two scores it separates; above all scores where even the highest would be too many
 * @throws {RangeError} when there are no rows, a score is not finite, a budget is out of range, or months are asked for
 *   where rows have no time
 *
 * Cost: O(n log n): rows are taken from the highest score down.
 */
export function thresholdForBudget(rows: ScoredRows, budget: AlertBudget): number {
  const { score } = rows;
  requireNonEmpty("score", score);
  requireFinite("score", score);
  const isTooMany = limitOf(rows, budget);
  const order = ascendingOrder(score);
  const days = new Set<number>();
  let above = Infinity;
  for (let end = order.length; end > 0;) {
    const value = score[order[end - 1]];
    let begin = end;
    for (; begin > 0 && score[order[begin - 1]] === value; begin--) {
      if (rows.assetDay !== undefined) days.add(rows.assetDay[order[begin - 1]]);
    }
    if (isTooMany(order.length - begin, days.size)) return between(value, above);
    above = value;
    end = begin;
  }
  return above;
}

/**
 * Counts what alerts at a threshold.
 *
 * @throws {RangeError} when there are no rows, or lengths differ
 */
export function countAlerts(rows: ScoredRows, threshold: number): AlertCount {
  const { score, assetDay } = rows;
  requireNonEmpty("score", score);
  let alertRows = 0;
  for (const value of score) if (value >= threshold) alertRows += 1;
  const counted = { threshold, alertShare: alertRows / score.length, alertRows };
  if (assetDay === undefined) return counted;
  requireSameLength(["score", "assetDay"], score, assetDay);
  const alertDays = new Set(assetDay.filter((_, row) => score[row] >= threshold)).size;
  return { ...counted, alertsPerAssetMonth: alertDays / monthsOf(assetDay) };
}

function limitOf(
  { score, assetDay }: ScoredRows,
  budget: AlertBudget,
): (nRows: number, nDays: number) => boolean {
  if (budget.kind === "share") {
    requireInRange("share", budget.share, [0, 1]);
    return (nRows) => nRows > budget.share * score.length;
  }
  if (!(budget.alerts > 0) || !Number.isFinite(budget.alerts)) {
    throw new RangeError(`alerts per asset and month must be finite and > 0, got ${budget.alerts}`);
  }
  if (assetDay === undefined) throw new RangeError("alerts per asset and month need rows with a time");
  requireSameLength(["score", "assetDay"], score, assetDay);
  const months = monthsOf(assetDay);
  return (_, nDays) => nDays > budget.alerts * months;
}

function monthsOf(assetDay: Float64Array): number {
  return new Set(assetDay).size / DAYS_PER_MONTH;
}

/** Above `low`, and at most `high`. */
function between(low: number, high: number): number {
  if (high === Infinity) return low === 0 ? Number.MIN_VALUE : low + Math.abs(low) * Number.EPSILON;
  const middle = low + (high - low) / 2;
  return middle > low ? middle : high;
}
