import { detectionOf } from "./detection.ts";
import type { Detection } from "./detection.ts";
import type { DetectorTarget } from "./fit-candidate.ts";
import type { OutputCap } from "../../numerics/model.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";
import type { MetricTask } from "../../numerics/metrics/metric-table.ts";
import { findMetric, metricsOfTask } from "../../numerics/metrics/metric-table.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { lifeInUnits } from "../../schemas/pipeline/time.ts";
import type { ProblemKind } from "../../schemas/pipeline/label.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** A task as the trainer and the metrics see it. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly metricTask: MetricTask;
  readonly primaryMetric: string;
  readonly nClasses: number;
  /** Remaining life is learnt as min(life, cap); null: uncapped, or no remaining life. */
  readonly cap: number | null;
  /** Range of the answers: a remaining life is never negative, and not above its cap. Null: no bounds. */
  readonly bounds: OutputCap | null;
  /** Of anomalies only. */
  readonly detection?: Detection;
}

const DEFAULT_METRIC: Readonly<Record<ProblemKind, string>> = {
  regression: "rmse",
  binary: "averagePrecision",
  multiclass: "macroF1",
  anomaly: "averagePrecision",
};

/**
 * @param classLabels class texts in code order, null for regression
 * @throws {PlatformError} task_not_yet; invalid_pipeline for a metric the task does not have; not_enough_data for a label
 *   with fewer than two classes
 */
export function problemOf(pipeline: Pipeline, classLabels: readonly string[] | null): Problem {
  const kind = problemKind(pipeline);
  const metricTask = kind === "regression" ? "rul" : kind;
  const detection = detectionOf(pipeline);
  const isUnlabelled = detection?.hasLabel === false;
  const primaryMetric = pipeline.metrics.primary ?? (isUnlabelled ? "stability" : DEFAULT_METRIC[kind]);
  if (!metricsOfTask(metricTask).some((metric) => metric.key === primaryMetric)) {
    const expected = metricsOfTask(metricTask)
      .map((m) => m.key)
      .join(", ");
    throw new PlatformError(
      "invalid_pipeline",
      `metrics.primary: expected one of ${expected}, found ${primaryMetric}`,
      {
        locations: [{ field: "metrics.primary", expected, found: primaryMetric }],
      },
    );
  }
  if (kind === "multiclass" && classLabels !== null && classLabels.length < 2) {
    const found = classLabels.length === 0 ? "none" : `only '${classLabels.join()}'`;
    throw new PlatformError(
      "not_enough_data",
      `read the label: expected two classes or more in the training rows, found ${found}`,
    );
  }
  const { label } = pipeline;
  const declared = kind === "regression" && "cap" in label ? label.cap : undefined;
  const cap = declared === undefined ? null : lifeInUnits(declared, timeKindOf(pipeline));
  const bounds = kind === "regression" ? { min: 0, max: cap ?? Number.MAX_VALUE } : null;
  const nClasses = classLabels?.length ?? 1;
  const problem: Problem = { kind, metricTask, primaryMetric, nClasses, cap, bounds };
  return detection === undefined ? problem : { ...problem, detection };
}

/** As declared, and not as the data happen to be: without a positive class nothing says what an alert would be for. */
function problemKind(pipeline: Pipeline): ProblemKind {
  switch (pipeline.task.kind) {
    case "rul":
      return "regression";
    case "failure_within":
      return "binary";
    case "class":
      return pipeline.label.kind === "column" && pipeline.label.positive !== undefined
        ? "binary"
        : "multiclass";
    case "anomaly":
      return "anomaly";
    case "forecast":
      throw new PlatformError("task_not_yet", `task ${pipeline.task.kind}: not yet`, {
        locations: [
          {
            field: "task.kind",
            expected: "rul, failure_within, class or anomaly",
            found: pipeline.task.kind,
          },
        ],
      });
  }
}

export function targetOf(problem: Problem, y: Float64Array): TaskTarget | DetectorTarget {
  if (problem.kind === "anomaly") return { taskKind: "anomaly" };
  return {
    taskKind: problem.kind,
    values: y,
    ...(problem.kind === "multiclass" ? { nClasses: problem.nClasses } : {}),
  };
}

/** Whether `a` is better than `b` on this metric. */
export function isBetter(metric: string, a: number, b: number): boolean {
  return findMetric(metric).direction === "higher" ? a > b : a < b;
}
