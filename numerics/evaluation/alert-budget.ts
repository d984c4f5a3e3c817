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

/** Points of a curve, more of them where alerts are few. */
const CURVE_POINTS = 160;
/** Factor between the alert rows of two neighbouring points. */
const CURVE_STEP = 1.12;

/** What a threshold would have done, with what a label says of it where there is one. */
export interface AlertCurvePoint extends AlertCount {
  readonly precision?: number;
  readonly recall?: number;
  readonly f1?: number;
}

/**
 * What any threshold would have done, at a few of them: enough to choose another one later without the rows.
 *
 * @param truth 0 or 1 per row, NaN where nobody knows; only then are precision, recall and F1 given
 * @returns ascending thresholds, from none of the rows to all of them
 * @throws {RangeError} as `countAlerts`
 *
 * Cost: O(n log n).
 */
export function alertCurve(rows: ScoredRows, truth?: ArrayLike<number>): AlertCurvePoint[] {
  const { score, assetDay } = rows;
  requireNonEmpty("score", score);
  requireFinite("score", score);
  const order = ascendingOrder(score);
  const n = order.length;
  const labelled = truth === undefined ? undefined : labelTotals(truth);
  const months = assetDay === undefined ? 0 : monthsOf(assetDay);
  const days = new Set<number>();
  const points: AlertCurvePoint[] = [];
  let caught = 0;
  let known = 0;
  let wanted = 1;
  for (let end = n; end > 0 && points.length < CURVE_POINTS;) {
    const value = score[order[end - 1]];
    let begin = end;
    for (; begin > 0 && score[order[begin - 1]] === value; begin--) {
      const row = order[begin - 1];
      if (assetDay !== undefined) days.add(assetDay[row]);
      if (truth !== undefined && !Number.isNaN(truth[row])) {
        known += 1;
        caught += truth[row];
      }
    }
    const alertRows = n - begin;
    if (points.length === 0) {
      const noAlert = { threshold: between(value, Infinity), alertShare: 0, alertRows: 0 };
      points.push(assetDay === undefined ? noAlert : { ...noAlert, alertsPerAssetMonth: 0 });
    }
    if (alertRows >= wanted || begin === 0) {
      const threshold = begin === 0 ? value : between(score[order[begin - 1]], value);
      points.push({
        threshold,
        alertShare: alertRows / n,
        alertRows,
        ...(assetDay === undefined ? {} : { alertsPerAssetMonth: days.size / months }),
        ...(labelled === undefined ? {} : ratesOf({ caught, known, positives: labelled })),
      });
      wanted = Math.max(alertRows + 1, Math.ceil(alertRows * CURVE_STEP));
    }
    end = begin;
  }
  return points.toReversed();
}

/** Positives among the labelled rows; undefined where only one kind is known. */
function labelTotals(truth: ArrayLike<number>): number | undefined {
  const known = Array.from(truth).filter((value) => !Number.isNaN(value));
  const positives = known.reduce((sum, value) => sum + value, 0);
  return positives > 0 && positives < known.length ? positives : undefined;
}

function ratesOf(counts: { readonly caught: number; readonly known: number; readonly positives: number }) {
  const { caught, known, positives } = counts;
  return {
    precision: known === 0 ? 0 : caught / known,
    recall: caught / positives,
    f1: (2 * caught) / (known + positives),
  };
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
