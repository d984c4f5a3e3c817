import { thresholdForBudget } from "../../numerics/evaluation/alert-budget.ts";
import { chooseThreshold } from "../../numerics/evaluation/threshold.ts";
import type { AlertCosts } from "../../numerics/evaluation/threshold.ts";
import { ksTwoSample } from "../../numerics/drift/statistics/kolmogorov-smirnov.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { Detection } from "./detection.ts";
import { outOfFoldDecisions } from "./out-of-fold-decisions.ts";
import type { PooledRows } from "./summarise-candidates.ts";

/** Metrics that rank scores, and know no threshold. */
const RANKING_METRICS = ["rocAuc", "averagePrecision"] as const;

/** Share of the readings that alert where the label was to decide and tells no two kinds of rows apart. */
const FALLBACK = { kind: "share", share: 0.01 } as const;

/**
 * The score from which to alert: by the budget, else by the labelled rows.
 *
 * @throws {RangeError} without rows, or for months where rows have no time
 */
export function detectionThreshold(
  rows: PooledRows,
  { budget }: Detection,
  costs: AlertCosts | undefined,
): number {
  const { prediction: score, assetDay } = rows;
  const scored = assetDay === undefined ? { score } : { score, assetDay };
  if (budget !== null) return thresholdForBudget(scored, budget);
  const isLabelled = (_: number, row: number) => !Number.isNaN(rows.truth[row]);
  const truth = rows.truth.filter(isLabelled);
  if (!truth.includes(1) || !truth.includes(0)) return thresholdForBudget(scored, FALLBACK);
  return chooseThreshold(truth, score.filter(isLabelled), costs).threshold;
}

/** Out-of-fold metrics of a detector: ranking by its scores, decisions by thresholds of the other folds, stability. */
export function detectionMetrics(
  rows: PooledRows,
  detection: Detection,
  costs: AlertCosts | undefined,
): MetricSet {
  const decisions = outOfFoldDecisions(rows, (others) => detectionThreshold(others, detection, costs));
  const decided = computeMetrics("anomaly", rows.truth, decisions, { threshold: 1 });
  const ranked = computeMetrics("anomaly", rows.truth, rows.prediction);
  const ranking = RANKING_METRICS.flatMap((key) => (ranked[key] === undefined ? [] : [[key, ranked[key]]]));
  return { ...decided, ...Object.fromEntries(ranking), stability: stabilityOf(rows) };
}

function stabilityOf({ prediction, fold }: PooledRows): number {
  const folds = [...new Set(fold)];
  if (folds.length < 2) return 1;
  const distances = folds.map(
    (own) =>
      ksTwoSample(
        prediction.filter((_, row) => fold[row] === own),
        prediction.filter((_, row) => fold[row] !== own),
      ).statistic,
  );
  return 1 - distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}
