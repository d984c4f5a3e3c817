import type { IntervalRule, ValueRange } from "../../numerics/conformal/interval-rule.ts";
import { bootstrapIntervals, metricIntervals } from "../../numerics/evaluation/bootstrap.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { MetricTask } from "../../numerics/metrics/metric-table.ts";
import { wilsonInterval } from "../../numerics/performance/wilson.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import { lifeMetrics } from "../training/life-metrics.ts";
import type { CensoredAnswers } from "../training/life-metrics.ts";

/** Labelled rows of a window. */
export interface MeasureJob {
  readonly task: MetricTask;
  readonly primaryMetric: string;
  readonly nClasses: number;
  readonly threshold: number | null;
  readonly interval: { readonly rule: IntervalRule; readonly range?: ValueRange } | null;
  readonly truth: Float64Array;
  readonly truthRaw: Float64Array;
  /** Row-major (rows × answers). */
  readonly prediction: Float64Array;
  readonly groups: Int32Array;
  /** Rows whose life is only known to exceed a bound. */
  readonly censored: CensoredAnswers & { readonly groups: Int32Array };
  readonly seed: number;
}

export interface Measured {
  /** Groups that the figures rest on: of two classes those with a row of the rarer one. */
  readonly evidence: number;
  readonly metrics: MetricSet;
  readonly intervals: Readonly<Record<string, readonly [number, number]>>;
}

const N_RESAMPLES = 300;
/** Intervals are of an even sample of more rows: they hardly depend on it, as whole assets are drawn. */
const MOST_RESAMPLED = 10_000;
/** Metrics that rows of lives that have not ended count in. */
const LIFE_METRICS: ReadonlySet<string> = new Set(["lifeLoss", "rmseIpcw", "concordance"]);

/** Metrics as the holdout's were computed, with intervals by asset. */
export function measurePerformance(job: MeasureJob, _hooks: TrainingHooks): Measured {
  const { task, truth, prediction, censored } = job;
  if (truth.length === 0) return { evidence: 0, metrics: {}, intervals: {} };
  const known = rowsOf(job, job.truth.keys());
  const metrics = {
    ...computeMetrics(task, truth, prediction, optionsOf(job, job.truthRaw)),
    ...lifeMetrics({ metricTask: task, primaryMetric: job.primaryMetric }, known, censored),
  };
  const intervals = { ...ownIntervals(job), ...lifeIntervals(job) };
  return {
    evidence: evidenceOf(job),
    metrics,
    intervals: { ...intervals, ...widened(job, metrics, intervals) },
  };
}

function evidenceOf({ task, truth, groups }: MeasureJob): number {
  if (task !== "binary" && task !== "anomaly") return new Set(groups).size;
  return Math.min(...[0, 1].map((y) => new Set(groups.filter((_, row) => truth[row] === y)).size));
}

/**
 * Shares with intervals at least as wide as Wilson's of as many cases as there are groups: of few cases that all went one way
 * resampling only ever sees that way.
 */
function widened(
  { task, truth, prediction, groups, threshold }: MeasureJob,
  metrics: MetricSet,
  intervals: Measured["intervals"],
): Record<string, readonly [number, number]> {
  const isAlert = (row: number) => (prediction[row] as number) >= (threshold ?? 0.5);
  const cases: Record<string, (row: number) => boolean> =
    task === "multiclass"
      ? { accuracy: () => true }
      : { accuracy: () => true, recall: (row) => truth[row] === 1, precision: isAlert };
  const entries = Object.entries(cases).flatMap(([key, isCase]) => {
    const [share, interval] = [metrics[key], intervals[key]];
    const n = new Set(groups.filter((_, row) => isCase(row))).size;
    if (share === undefined || interval === undefined || n === 0) return [];
    const [low, high] = wilsonInterval(share, n);
    return [[key, [Math.min(low, interval[0]), Math.max(high, interval[1])] as const] as const];
  });
  return Object.fromEntries(entries);
}

function optionsOf(job: MeasureJob, truthRaw: Float64Array) {
  const { task, nClasses, threshold, interval } = job;
  return {
    truthRaw,
    ...(task === "multiclass" ? { nClasses } : {}),
    ...(threshold === null ? {} : { threshold }),
    ...(interval === null ? {} : { interval }),
  };
}

function ownIntervals(job: MeasureJob): Record<string, readonly [number, number]> {
  const rows = sampled(job.truth.length);
  const width = job.prediction.length / job.truth.length;
  const prediction = new Float64Array(rows.length * width);
  rows.forEach((row, i) =>
    prediction.set(job.prediction.subarray(row * width, (row + 1) * width), i * width),
  );
  const pick = (values: Float64Array) => Float64Array.from(rows, (row) => values[row] as number);
  const found = metricIntervals(
    {
      task: job.task,
      truth: pick(job.truth),
      prediction,
      groups: Int32Array.from(rows, (row) => job.groups[row] as number),
      metricOptions: optionsOf(job, pick(job.truthRaw)),
    },
    { seed: job.seed, nResamples: N_RESAMPLES },
  );
  return pairsOf(found);
}

/** Where such a metric decides: known and unended lives are drawn together, asset by asset. */
function lifeIntervals(job: MeasureJob): Record<string, readonly [number, number]> {
  const { task, primaryMetric, truth, groups, censored } = job;
  if (!LIFE_METRICS.has(primaryMetric)) return {};
  const nKnown = truth.length;
  const rows = sampled(nKnown + censored.least.length);
  const codes = Int32Array.from(rows, (row) =>
    row < nKnown ? (groups[row] as number) : (censored.groups[row - nKnown] as number),
  );
  const found = bootstrapIntervals(
    codes,
    (drawn) => {
      const own = Array.from(drawn, (place) => rows[place] as number);
      const known = rowsOf(
        job,
        own.filter((row) => row < nKnown),
      );
      const unended = own.filter((row) => row >= nKnown).map((row) => row - nKnown);
      if (known.truth.length === 0) return {};
      return lifeMetrics({ metricTask: task, primaryMetric }, known, {
        least: Float64Array.from(unended, (row) => censored.least[row] as number),
        prediction: Float64Array.from(unended, (row) => censored.prediction[row] as number),
      });
    },
    { seed: job.seed, nResamples: N_RESAMPLES },
  );
  return pairsOf(found);
}

function rowsOf({ truth, prediction }: MeasureJob, rows: Iterable<number>) {
  const list = [...rows];
  return {
    truth: Float64Array.from(list, (row) => truth[row] as number),
    prediction: Float64Array.from(list, (row) => prediction[row] as number),
  };
}

function sampled(n: number): Int32Array {
  const step = Math.max(1, Math.ceil(n / MOST_RESAMPLED));
  return Int32Array.from({ length: Math.ceil(n / step) }, (_, i) => i * step);
}

function pairsOf(found: ReturnType<typeof bootstrapIntervals>): Record<string, readonly [number, number]> {
  return Object.fromEntries(Object.entries(found).map(([key, { low, high }]) => [key, [low, high] as const]));
}
