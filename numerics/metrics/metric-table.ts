/** The kinds of prediction that metrics are computed for. `rul` is a regression on remaining useful life. */
export type MetricTask = "binary" | "multiclass" | "regression" | "rul" | "anomaly" | "forecast";

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
    tasks: ["regression", "rul", "forecast"],
    doc: "Root mean squared error, in the unit of the target; for remaining life the truth is capped, of a forecast it is that of the median.",
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
    tasks: ["regression", "rul", "forecast"],
    doc: "Mean absolute error, in the unit of the target; for remaining life the truth is capped, of a forecast it is that of the median.",
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
    key: "rmseIpcw",
    direction: "lower",
    tasks: ["rul"],
    doc: "rmse with each known life weighed by one over the chance that a life of its length is known: short lives are known more often than long ones where most assets have not failed.",
  },
  {
    key: "lifeLoss",
    direction: "lower",
    tasks: ["rul"],
    doc: "Mean negative log likelihood of the lives, in nats, normal about the answers with the likeliest deviation; lives that have not ended count by the chance to exceed their bound. Decides by default where assets may not have failed.",
  },
  {
    key: "concordance",
    direction: "higher",
    tasks: ["rul"],
    doc: "Harrell's index: share of pairs of rows, of which it is known which life is shorter, that are predicted in that order; rows of assets that had not failed count as well.",
  },
  {
    key: "intervalCoverage",
    direction: "higher",
    tasks: ["rul", "forecast"],
    doc: "Share of capped truths inside the interval of their answer, of a forecast between its outermost quantiles; to be near the level of the intervals.",
  },
  {
    key: "intervalWidth",
    direction: "lower",
    tasks: ["rul", "forecast"],
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
    tasks: ["binary", "multiclass"],
    doc: "Mean squared distance of probability and truth; of more than two classes summed over them.",
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
  {
    key: "pinball",
    direction: "lower",
    tasks: ["forecast"],
    doc: "Mean pinball (quantile) loss over quantiles and horizons, in the unit of the target.",
  },
  {
    key: "wql",
    direction: "lower",
    tasks: ["forecast"],
    doc: "Weighted quantile loss: twice the pinball loss over the mean size of the truth.",
  },
  {
    key: "mase",
    direction: "lower",
    tasks: ["forecast"],
    doc: "Mean absolute error of the median over that of the naive forecast (the last value, or that of one season ago) on the same rows; below 1 is better than naive.",
  },
  {
    key: "skill",
    direction: "higher",
    tasks: ["forecast"],
    doc: "1 − the pinball loss over that of the baseline: the last value with the usual spread of its changes; above 0 is better.",
  },
  {
    key: "coverageError",
    direction: "lower",
    tasks: ["forecast"],
    doc: "How far the share of truths between the outermost quantiles is from what their levels say.",
  },
  {
    key: "winkler",
    direction: "lower",
    tasks: ["forecast"],
    doc: "Winkler (interval) score between the outermost quantiles: the width, and a penalty for each truth outside.",
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
