import { chooseThreshold } from "../../numerics/evaluation/threshold.ts";
import type { AlertCosts } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { PooledRows } from "./summarise-candidates.ts";

/** Metrics of a decision; the others rank or weigh probabilities and know no threshold. */
export const DECISION_METRICS = ["f1", "precision", "recall", "accuracy", "mcc"] as const;

/**
 * Metrics of the decisions a threshold makes on rows it was not chosen on: each fold is decided by the threshold of the
 * other folds' out-of-fold rows, then all decisions are pooled.
 *
 * @returns the metrics of `DECISION_METRICS` that are defined
 * @throws {RangeError} when rows are empty or not binary
 */
export function outOfFoldDecisionMetrics(rows: PooledRows, costs?: AlertCosts): MetricSet {
  const decisions = outOfFoldDecisions(rows, (others) => thresholdOf(others, costs));
  const all = computeMetrics("binary", rows.truth, decisions, { threshold: 0.5, only: DECISION_METRICS });
  return Object.fromEntries(
    DECISION_METRICS.flatMap((key) => (all[key] === undefined ? [] : [[key, all[key]]])),
  );
}

/**
 * Each row decided by a threshold of the other folds.
 *
 * @returns Float64Array (rows), 1 for an alert
 */
export function outOfFoldDecisions(rows: PooledRows, choose: (others: PooledRows) => number): Float64Array {
  const decisions = new Float64Array(rows.truth.length);
  for (const fold of new Set(rows.fold)) {
    const threshold = choose(rowsWithout(rows, fold));
    rows.fold.forEach((of, row) => {
      if (of === fold) decisions[row] = (rows.prediction[row] as number) >= threshold ? 1 : 0;
    });
  }
  return decisions;
}

/** Rows of all folds but one; of one output per row. */
function rowsWithout(rows: PooledRows, fold: number): PooledRows {
  const isOther = (_: number, row: number) => rows.fold[row] !== fold;
  return {
    truth: rows.truth.filter(isOther),
    truthRaw: rows.truthRaw.filter(isOther),
    prediction: rows.prediction.filter(isOther),
    fold: rows.fold.filter(isOther),
    ...(rows.assetDay === undefined ? {} : { assetDay: rows.assetDay.filter(isOther) }),
  };
}

/** Where there is no failure nothing says when to alert: never. */
function thresholdOf({ truth, prediction }: PooledRows, costs: AlertCosts | undefined): number {
  if (!truth.includes(1)) return Number.POSITIVE_INFINITY;
  return chooseThreshold(truth, prediction, costs).threshold;
}
