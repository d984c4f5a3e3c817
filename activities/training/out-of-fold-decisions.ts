import { chooseThreshold } from "../../numerics/evaluation/threshold.ts";
import type { AlertCosts } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { MetricSet } from "../../schemas/model-version.ts";
import type { PooledRows } from "./summarise-candidates.ts";

/** Metrics of a decision; the others rank or weigh probabilities and know no threshold. */
const DECISION_METRICS = ["f1", "precision", "recall", "accuracy", "mcc"] as const;

/**
 * Metrics of the decisions a threshold makes on rows it was not chosen on: each fold is decided by the threshold of the
 * other folds' out-of-fold rows, then all decisions are pooled.
 *
 * @returns the metrics of `DECISION_METRICS` that are defined
 * @throws {RangeError} when rows are empty or not binary
 */
export function outOfFoldDecisionMetrics(rows: PooledRows, costs?: AlertCosts): MetricSet {
  const decisions = new Float64Array(rows.truth.length);
  for (const fold of new Set(rows.fold)) {
    const threshold = thresholdWithout(rows, fold, costs);
    rows.fold.forEach((of, row) => {
      if (of === fold) decisions[row] = (rows.prediction[row] as number) >= threshold ? 1 : 0;
    });
  }
  const all = computeMetrics("binary", rows.truth, decisions, { threshold: 0.5 });
  return Object.fromEntries(
    DECISION_METRICS.flatMap((key) => (all[key] === undefined ? [] : [[key, all[key]]])),
  );
}

/** Where the other folds hold no failure nothing says when to alert: never. */
function thresholdWithout(rows: PooledRows, fold: number, costs: AlertCosts | undefined): number {
  const isOther = (_: number, row: number) => rows.fold[row] !== fold;
  const truth = rows.truth.filter(isOther);
  if (!truth.includes(1)) return Number.POSITIVE_INFINITY;
  return chooseThreshold(truth, rows.prediction.filter(isOther), costs).threshold;
}
