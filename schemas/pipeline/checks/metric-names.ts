import type { ProblemKind } from "../label.ts";

/**
 * Metric keys a gate, the champion rule or `metrics.primary` may name, by problem.
 *
 * The definitions are `numerics/metrics/metric-table.ts`; schemas import nothing, so the names stand
 * here a second time and a test holds the two equal.
 */
export const METRIC_NAMES: Readonly<Record<ProblemKind, readonly string[]>> = {
  regression: [
    "rmse",
    "rmseRaw",
    "mae",
    "nasaScore",
    "nasaScoreRaw",
    "r2",
    "rmseIpcw",
    "lifeLoss",
    "concordance",
    "intervalCoverage",
    "intervalWidth",
  ],
  binary: ["rocAuc", "averagePrecision", "f1", "precision", "recall", "accuracy", "mcc", "logLoss", "brier"],
  multiclass: ["accuracy", "macroF1", "logLoss", "brier"],
  anomaly: ["rocAuc", "averagePrecision", "f1", "precision", "recall", "alertShare", "stability"],
  forecast: [
    "pinball",
    "wql",
    "mae",
    "rmse",
    "mase",
    "skill",
    "intervalCoverage",
    "coverageError",
    "intervalWidth",
    "winkler",
  ],
};
