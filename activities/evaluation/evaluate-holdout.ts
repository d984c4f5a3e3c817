import { calibrationTable, confidenceTable } from "../../numerics/evaluation/calibration.ts";
import { countAlerts, thresholdForBudget } from "../../numerics/evaluation/alert-budget.ts";
import { metricIntervals } from "../../numerics/evaluation/bootstrap.ts";
import { sliceMetrics } from "../../numerics/evaluation/slices.ts";
import { thresholdTable } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { IntervalRule, ValueRange } from "../../numerics/conformal/interval-rule.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import { MIN_SLICE_ROWS } from "../../schemas/models/model-version.ts";
import type { Evaluation, MetricSet, Slice } from "../../schemas/models/model-version.ts";
import { lifeMetrics } from "../training/life-metrics.ts";
import type { CensoredAnswers } from "../training/life-metrics.ts";
import type { Problem } from "../training/problem.ts";
import type { RowSlices } from "./slice-columns.ts";

export interface HoldoutJob {
  readonly problem: Problem;
  readonly truth: Float64Array;
  readonly truthRaw: Float64Array;
  /** Answers of the graph, row-major (rows × outputs). */
  readonly prediction: Float64Array;
  readonly baseline: Float64Array;
  /** False: `baseline` is no other model's. */
  readonly hasBaseline: boolean;
  /** Group of each row for the bootstrap: its asset, or itself. */
  readonly groups: Int32Array;
  /** Asset of each row, where groups are something else. */
  readonly assets?: Int32Array;
  readonly threshold: number | null;
  /** Regression: intervals around the answers; null: none. */
  readonly interval: { readonly rule: IntervalRule; readonly range?: ValueRange } | null;
  readonly costs: { readonly missedFailure: number; readonly falseAlarm: number } | null;
  /** Codes beside the rows. */
  readonly slices: readonly RowSlices[];
  readonly seed: number;
  /** Metrics that are given an interval; absent: all. */
  readonly intervalsOf?: readonly string[];
  /** Of anomalies with a calendar: asset and day of each row as one number. */
  readonly assetDay?: Float64Array;
  /** Rows of assets that had not failed: they count in the order of lives alone. */
  readonly censored?: CensoredAnswers;
  /** Of forecasts, whose rows are pairs of row and horizon: index of the horizon. */
  readonly horizon?: Int32Array;
}

export interface HoldoutOutput {
  readonly test: MetricSet;
  readonly baseline: MetricSet;
  readonly intervals: Record<string, [number, number]>;
  readonly slices: readonly Slice[];
  readonly thresholds: Evaluation["thresholds"];
  /** Of classes only. */
  readonly calibration: NonNullable<Evaluation["calibration"]> | null;
  /** Of forecasts only. */
  readonly quantiles: NonNullable<Evaluation["quantiles"]> | null;
}

/** Scores the frozen holdout once: metrics, intervals by asset, slices, what each threshold would have cost. */
export function evaluateHoldout(job: HoldoutJob, _hooks: TrainingHooks): HoldoutOutput {
  const { problem, truth, truthRaw, prediction } = job;
  const metricOptions = {
    truthRaw,
    ...(problem.kind === "multiclass" ? { nClasses: problem.nClasses } : {}),
    ...(job.threshold === null ? {} : { threshold: job.threshold }),
    ...(job.interval === null ? {} : { interval: job.interval }),
    ...(problem.forecast === undefined
      ? {}
      : { quantiles: problem.forecast.quantiles, ...(job.hasBaseline ? { reference: job.baseline } : {}) }),
  };
  // The intervals are those of the model's answers, not of a constant's.
  const { interval: _, reference: _own, ...baselineOptions } = { reference: undefined, ...metricOptions };
  const rows = { task: problem.metricTask, truth, prediction, metricOptions };
  const intervals = intervalsOf(job, rows);
  return {
    test: {
      ...computeMetrics(problem.metricTask, truth, prediction, metricOptions),
      ...lifeMetrics(problem, { truth, prediction }, job.censored),
    },
    baseline: {
      ...computeMetrics(problem.metricTask, truth, job.baseline, baselineOptions),
      ...lifeMetrics(problem, { truth, prediction: job.baseline }, constantAnswers(job)),
    },
    intervals: Object.fromEntries(
      Object.entries(intervals).map(([key, { low, high }]) => [key, [low, high]]),
    ),
    slices: job.slices.flatMap((slices) => metricsBySlice(rows, job.assets ?? job.groups, slices)),
    thresholds:
      problem.kind === "binary"
        ? thresholdsOf(job)
        : problem.kind === "anomaly"
          ? detectionThresholds(job)
          : [],
    calibration: calibrationOf(job),
    quantiles: observedLevels(job),
  };
}

/** Resamples cost most of an evaluation: of metrics that nobody asks for there are none. */
function intervalsOf(
  { intervalsOf: only, groups, seed }: HoldoutJob,
  rows: Omit<Parameters<typeof metricIntervals>[0], "groups">,
): ReturnType<typeof metricIntervals> {
  if (only === undefined) return metricIntervals({ ...rows, groups }, { seed });
  if (only.length === 0) return {};
  return metricIntervals({ ...rows, groups, metricOptions: { ...rows.metricOptions, only } }, { seed });
}

/** What the constant baseline answers for the same censored rows. */
function constantAnswers({ censored, baseline }: HoldoutJob): CensoredAnswers | undefined {
  if (censored === undefined) return undefined;
  const [answer = 0] = baseline;
  return { least: censored.least, prediction: new Float64Array(censored.least.length).fill(answer) };
}

function metricsBySlice(
  rows: Parameters<typeof sliceMetrics>[0],
  groups: Int32Array,
  { column, codes, values }: RowSlices,
): Slice[] {
  const assets = values.map(() => new Set<number>());
  codes.forEach((code, row) => assets[code]?.add(groups[row] as number));
  return sliceMetrics(rows, codes, MIN_SLICE_ROWS)
    .map(({ slice, nRows, metrics }) => ({ code: Number(slice), nRows, metrics }))
    .sort((a, b) => a.code - b.code)
    .map(({ code, nRows, metrics }) => {
      const { value = "", bucket } = values[code] ?? {};
      return {
        column,
        value,
        ...(bucket === undefined ? {} : { bucket }),
        rows: nRows,
        assets: assets[code]?.size ?? 0,
        metrics: { ...metrics },
      };
    });
}

/** Round thresholds, and the one that was chosen: it is what will alert. */
function thresholdsOf({ truth, prediction, threshold, costs }: HoldoutJob): Evaluation["thresholds"] {
  const thresholds = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);
  if (threshold !== null) thresholds.push(threshold);
  const options = costs === null ? { thresholds } : { thresholds, costs };
  return thresholdTable(truth, prediction, options).map((row) => ({ ...row }));
}

/** Shares of the readings that may alert, and the chosen threshold: what each would have done. */
function detectionThresholds(job: HoldoutJob): Evaluation["thresholds"] {
  const { truth, prediction: score, threshold, costs, assetDay } = job;
  const scored = assetDay === undefined ? { score } : { score, assetDay };
  const thresholds = BUDGET_SHARES.map((share) => thresholdForBudget(scored, { kind: "share", share }));
  if (threshold !== null) thresholds.push(threshold);
  const isLabelled = (_: number, row: number) => !Number.isNaN(truth[row]);
  const known = truth.filter(isLabelled);
  const counted = [...new Set(thresholds)].sort((a, b) => a - b).map((value) => countAlerts(scored, value));
  if (!known.includes(1) || !known.includes(0)) return counted.map((row) => ({ ...row }));
  const options = { thresholds: counted.map((row) => row.threshold), ...(costs === null ? {} : { costs }) };
  const decided = thresholdTable(known, score.filter(isLabelled), options);
  return counted.map((row, i) => ({ ...row, ...decided[i] }));
}

const BUDGET_SHARES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];

function observedLevels({ problem, truth, prediction, horizon }: HoldoutJob): HoldoutOutput["quantiles"] {
  if (problem.forecast === undefined || horizon === undefined) return null;
  const { horizons, quantiles } = problem.forecast;
  return horizons.flatMap((one, h) => {
    const pairs = Array.from(horizon.keys()).filter((pair) => horizon[pair] === h);
    if (pairs.length === 0) return [];
    return quantiles.map((level, q) => {
      const isBelow = (pair: number) =>
        (truth[pair] as number) <= (prediction[pair * quantiles.length + q] as number);
      const observed = pairs.filter(isBelow).length / pairs.length;
      return { horizon: String(one), level, observed, rows: pairs.length };
    });
  });
}

function calibrationOf({ problem, truth, prediction }: HoldoutJob): HoldoutOutput["calibration"] {
  if (problem.kind !== "binary" && problem.kind !== "multiclass") return null;
  const { bins, expectedError } =
    problem.kind === "binary"
      ? calibrationTable(truth, prediction)
      : confidenceTable(truth, prediction, problem.nClasses);
  return {
    expectedError,
    bins: bins.flatMap(({ low, high, nRows, meanPredicted, observedRate }) =>
      meanPredicted === null || observedRate === null
        ? []
        : [{ low, high, nRows, meanPredicted, observedRate }],
    ),
  };
}
