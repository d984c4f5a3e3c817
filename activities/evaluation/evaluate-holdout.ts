import { metricIntervals } from "../../numerics/evaluation/bootstrap.ts";
import { sliceMetrics } from "../../numerics/evaluation/slices.ts";
import { thresholdTable } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { Evaluation, MetricSet } from "../../schemas/model-version.ts";
import type { Problem } from "../training/problem.ts";

export interface HoldoutJob {
  readonly problem: Problem;
  readonly truth: Float64Array;
  readonly truthRaw: Float64Array;
  /** Answers of the graph, row-major (rows × outputs). */
  readonly prediction: Float64Array;
  readonly baseline: Float64Array;
  /** Group of each row for the bootstrap: its asset, or itself. */
  readonly groups: Int32Array;
  readonly threshold: number | null;
  readonly costs: { readonly missedFailure: number; readonly falseAlarm: number } | null;
  readonly slices: readonly { readonly column: string; readonly values: readonly string[] }[];
  readonly seed: number;
}

export interface HoldoutOutput {
  readonly test: MetricSet;
  readonly baseline: MetricSet;
  readonly intervals: Record<string, [number, number]>;
  readonly slices: Evaluation["slices"];
  readonly thresholds: Evaluation["thresholds"];
}

/** Scores the frozen holdout once: metrics, intervals by asset, slices, what each threshold would have cost. */
export function evaluateHoldout(job: HoldoutJob, _hooks: TrainingHooks): HoldoutOutput {
  const { problem, truth, truthRaw, prediction } = job;
  const metricOptions = {
    truthRaw,
    ...(problem.kind === "multiclass" ? { nClasses: problem.nClasses } : {}),
    ...(job.threshold === null ? {} : { threshold: job.threshold }),
  };
  const rows = { task: problem.metricTask, truth, prediction, metricOptions };
  const intervals = metricIntervals({ ...rows, groups: job.groups }, { seed: job.seed });
  return {
    test: computeMetrics(problem.metricTask, truth, prediction, metricOptions),
    baseline: computeMetrics(problem.metricTask, truth, job.baseline, metricOptions),
    intervals: Object.fromEntries(
      Object.entries(intervals).map(([key, { low, high }]) => [key, [low, high]]),
    ),
    slices: job.slices.flatMap(({ column, values }) =>
      sliceMetrics(rows, values, MIN_SLICE_ROWS).map((slice) => ({
        column,
        value: slice.slice,
        rows: slice.nRows,
        metrics: { ...slice.metrics },
      })),
    ),
    thresholds:
      problem.kind === "binary"
        ? thresholdTable(truth, prediction, job.costs === null ? {} : { costs: job.costs }).map((row) => ({
            ...row,
          }))
        : [],
  };
}

/** Metrics of fewer rows say little; the slice is listed without them. */
const MIN_SLICE_ROWS = 10;
