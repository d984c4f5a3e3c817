import { confirmDegradation, degradationLimit, isDegraded } from "../../numerics/performance/degradation.ts";
import { findMetric } from "../../numerics/metrics/metric-table.ts";
import type { Evaluation } from "../../schemas/models/model-version.ts";
import type {
  PerformanceEstimate,
  PerformancePeriod,
  PerformanceReport,
  PerformanceState,
  Realized,
} from "../../schemas/models/performance-report.ts";
import type { PerformanceRules } from "../../schemas/pipeline/performance.ts";

/** What a verdict is made of. */
export interface Findings {
  readonly rules: PerformanceRules;
  readonly metric: string;
  readonly evaluation: Evaluation;
  readonly digest: string;
  /** Why nothing can be judged. */
  readonly unavailable?: string | undefined;
  /** Newest first. */
  readonly periods: readonly PerformancePeriod[];
  readonly estimate: PerformanceEstimate;
  /** Of the checks before this one of the same version, newest first. */
  readonly earlier: readonly PerformanceState[];
}

/** Assets, of two classes of each: what fewer did may be chance, whatever their number of readings. */
const MIN_EVIDENCE = 5;

type Verdict = Pick<PerformanceReport, "state" | "reason" | "judged">;

/** The report of a check: the newest window with enough labels is held against the version's holdout. */
export function judge(findings: Findings): PerformanceReport {
  const { rules, metric, evaluation, periods, estimate, earlier } = findings;
  const { tolerance, minLabels } = rules;
  const baseline = baselineOf(evaluation, metric);
  const limit = baseline === null ? null : degradationLimit({ metric, tolerance, baseline: baseline.value });
  const verdict = verdictOf(findings, baseline, limit);
  return {
    kind: "aura.performance/1",
    ...verdict,
    metric,
    direction: findMetric(metric).direction,
    tolerance,
    minLabels,
    baseline,
    limit,
    confirmation: confirmDegradation([verdict.state, ...earlier], rules.confirmations),
    estimate,
    periods,
  };
}

/** Whether the labels of a window say how good the answers were. */
export function isEnough(
  { labelled, evidence, metrics, intervals }: Realized,
  { minLabels }: PerformanceRules,
  metric: string,
): boolean {
  return (
    labelled >= minLabels &&
    evidence >= MIN_EVIDENCE &&
    metrics[metric] !== undefined &&
    intervals[metric] !== undefined
  );
}

/** The metric on the version's holdout; null: the evaluation does not have it. */
function baselineOf({ metrics, intervals, rows }: Evaluation, metric: string): PerformanceReport["baseline"] {
  const value = metrics.test[metric];
  if (value === undefined) return null;
  const [low, high] = intervals[metric] ?? [null, null];
  return { value, low, high, n: rows.test };
}

function verdictOf(
  { unavailable, periods, rules, metric, digest }: Findings,
  baseline: PerformanceReport["baseline"],
  limit: number | null,
): Verdict {
  const none = (state: PerformanceState, reason: string): Verdict => ({ state, reason, judged: null });
  if (unavailable !== undefined) return none("not_available", unavailable);
  if (baseline === null || limit === null)
    return none("not_available", `the holdout of the version has no ${metric} to hold answers against`);
  const own = periods.filter((period) => period.digest === digest);
  const period = own.find((one) => isEnough(one, rules, metric));
  if (period === undefined) return none("insufficient_labels", whyTooFew(own, rules, metric));
  const interval = period.intervals[metric] as readonly [number, number];
  const value = period.metrics[metric] as number;
  const { low, high } = baseline;
  const known = low === null || high === null ? {} : { interval: [low, high] as const };
  const isWorse = isDegraded({
    metric,
    baseline: { value: baseline.value, ...known },
    tolerance: rules.tolerance,
    realized: { value, interval },
  });
  const state = isWorse ? "degraded" : "ok";
  const band = `${textOf(interval[0])} to ${textOf(interval[1])}`;
  const side = findMetric(metric).direction === "lower" ? "above" : "below";
  const held = `${isWorse ? "surely" : "not surely"} ${side} ${textOf(limit)}`;
  return {
    state,
    reason: `${metric} ${textOf(value)} (${band}) on ${period.labelled} labelled of ${period.looked} predictions, ${held}; on the holdout ${textOf(baseline.value)}`,
    judged: { since: period.since, until: period.until },
  };
}

function whyTooFew(
  own: readonly PerformancePeriod[],
  { minLabels }: PerformanceRules,
  metric: string,
): string {
  const most = own.reduce((best, { labelled }) => Math.max(best, labelled), 0);
  if (most < minLabels) return `no window has ${minLabels} labelled predictions; the most is ${most}`;
  return `the labels of no window say what ${metric} is: of each class, or of answers, they are of fewer than ${MIN_EVIDENCE} assets`;
}

const textOf = (value: number): string => String(Number(value.toPrecision(4)));
