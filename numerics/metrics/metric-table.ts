/** The kinds of prediction that metrics are computed for. `rul` is a regression on remaining useful life. */
export type MetricTask = "binary" | "multiclass" | "regression" | "rul" | "anomaly";

/** One metric of the product: its meaning, which way is better, and the tasks that have it. */
export interface MetricDefinition {
  readonly key: string;
  readonly direction: "higher" | "lower";
  readonly tasks: readonly MetricTask[];
  readonly doc: string;
}

/** Every metric a pipeline file, a gate or a champion rule may name, in the order in which reports show them. */
export const METRICS: readonly MetricDefinition[] = [
  {
    key: "rmse",
    direction: "lower",
    tasks: ["regression", "rul"],
    doc: "Root mean squared error, in the unit of the target; for remaining life the truth is capped.",
  },
  {
    key: "rmseRaw",
    direction: "lower",
    tasks: ["rul"],
    doc: "Root mean squared error against the uncapped remaining life, in cycles.",
  },
  {
    key: "mae",
    direction: "lower",
    tasks: ["regression", "rul"],
    doc: "Mean absolute error, in the unit of the target; for remaining life the truth is capped.",
  },
  {
    key: "nasaScore",
    direction: "lower",
    tasks: ["rul"],
    doc: "Sum of the PHM 2008 score (late costs more than early) against the capped remaining life.",
  },
  {
    key: "nasaScoreRaw",
    direction: "lower",
    tasks: ["rul"],
    doc: "Sum of the PHM 2008 score against the uncapped remaining life.",
  },
  {
    key: "r2",
    direction: "higher",
    tasks: ["regression", "rul"],
    doc: "Share of the variance explained; for remaining life the truth is capped.",
  },
  {
    key: "intervalCoverage",
    direction: "higher",
    tasks: ["rul"],
    doc: "Share of capped truths inside the interval of their answer; to be near the level of the intervals.",
  },
  {
    key: "intervalWidth",
    direction: "lower",
    tasks: ["rul"],
    doc: "Mean width of the intervals, in the unit of the target.",
  },
  {
    key: "rocAuc",
    direction: "higher",
    tasks: ["binary", "anomaly"],
    doc: "Chance that a failing row scores above a healthy one; ties count half.",
  },
  {
    key: "averagePrecision",
    direction: "higher",
    tasks: ["binary", "anomaly"],
    doc: "Area under the precision–recall curve, without interpolation.",
  },
  {
    key: "f1",
    direction: "higher",
    tasks: ["binary", "anomaly"],
    doc: "Harmonic mean of precision and recall at the chosen threshold.",
  },
  {
    key: "precision",
    direction: "higher",
    tasks: ["binary", "anomaly"],
    doc: "Share of alerts that were right at the chosen threshold.",
  },
  {
    key: "recall",
    direction: "higher",
    tasks: ["binary", "anomaly"],
    doc: "Share of failures that were caught at the chosen threshold.",
  },
  {
    key: "accuracy",
    direction: "higher",
    tasks: ["binary", "multiclass"],
    doc: "Share of right decisions at the chosen threshold, or of the most probable class.",
  },
  {
    key: "macroF1",
    direction: "higher",
    tasks: ["multiclass"],
    doc: "Unweighted mean of the F1 of every class that occurs.",
  },
  {
    key: "mcc",
    direction: "higher",
    tasks: ["binary"],
    doc: "Matthews correlation of decision and truth at the chosen threshold, −1 to 1.",
  },
  {
    key: "logLoss",
    direction: "lower",
    tasks: ["binary", "multiclass"],
    doc: "Mean negative log likelihood of the truth, in nats.",
  },
  {
    key: "brier",
    direction: "lower",
    tasks: ["binary"],
    doc: "Mean squared distance of probability and truth.",
  },
  {
    key: "alertShare",
    direction: "lower",
    tasks: ["anomaly"],
    doc: "Share of the rows whose score reaches the chosen threshold.",
  },
  {
    key: "stability",
    direction: "higher",
    tasks: ["anomaly"],
    doc: "1 − the mean over folds of the Kolmogorov–Smirnov distance between a fold's scores and those of the others; cross-validated only.",
  },
];

/**
 * The definition behind a metric key.
 *
 * @throws {RangeError} for an unknown key, listing the known ones
 */
export function findMetric(key: string): MetricDefinition {
  const found = METRICS.find((metric) => metric.key === key);
  if (found) return found;
  throw new RangeError(`metric must be one of ${METRICS.map((metric) => metric.key).join(", ")}, got ${key}`);
}

/** The metrics a task has, in table order. */
export function metricsOfTask(task: MetricTask): MetricDefinition[] {
  return METRICS.filter((metric) => metric.tasks.includes(task));
}
