import { chooseThreshold } from "../../numerics/evaluation/threshold.ts";
import type { AlertCosts } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { MetricSet } from "../../schemas/model-version.ts";
import { outOfFoldDecisionMetrics } from "./out-of-fold-decisions.ts";
import { isBetter } from "./problem.ts";
import type { Problem } from "./problem.ts";

/** Out-of-fold rows of one candidate in one repeat, pooled over its folds. */
export interface PooledRows {
  readonly truth: Float64Array;
  readonly truthRaw: Float64Array;
  readonly prediction: Float64Array;
  /** Fold that each row validated in. */
  readonly fold: Int32Array;
}

export interface CandidateRows {
  readonly name: string;
  readonly kind: string;
  readonly repeats: readonly PooledRows[];
  /** Mean rounds over folds and repeats; null where nothing is boosted. */
  readonly iterations: number | null;
}

export interface SummaryJob {
  readonly problem: Problem;
  readonly candidates: readonly CandidateRows[];
  readonly costs: { readonly missedFailure: number; readonly falseAlarm: number } | null;
}

export interface CandidateSummary {
  readonly name: string;
  readonly kind: string;
  readonly cv: MetricSet;
  /** Binary: chosen on all out-of-fold rows, for serving; `cv` was decided without the fold it scores. */
  readonly threshold: number | null;
  readonly iterations: number | null;
}

/** The chosen candidate first named, all with their metrics. */
export interface Summary {
  readonly chosen: string;
  readonly candidates: readonly CandidateSummary[];
}

/**
 * Cross-validated metrics of every candidate: pooled over the folds of a repeat, then averaged over repeats. Decisions
 * are made with thresholds of the other folds, so that no metric has seen the rows it is computed on.
 * The constant baseline is listed and never chosen.
 */
export function summariseCandidates(job: SummaryJob, _hooks: TrainingHooks): Summary {
  const candidates = job.candidates.map((candidate) => summarise(candidate, job));
  const metric = job.problem.primaryMetric;
  const eligible = candidates.filter((c) => c.kind !== "constant" && c.cv[metric] !== undefined);
  const [first, ...others] = eligible;
  if (first === undefined) throw new RangeError(`no candidate has a cross-validated ${metric}`);
  const best = others.reduce(
    (a, b) => (isBetter(metric, b.cv[metric] as number, a.cv[metric] as number) ? b : a),
    first,
  );
  return { chosen: best.name, candidates };
}

function summarise(candidate: CandidateRows, { problem, costs }: SummaryJob): CandidateSummary {
  const { name, kind, iterations } = candidate;
  const hasThreshold = problem.kind === "binary" && kind !== "constant";
  const perRepeat = candidate.repeats.map((rows) => ({
    ...computeMetrics(problem.metricTask, rows.truth, rows.prediction, {
      truthRaw: rows.truthRaw,
      ...(problem.kind === "multiclass" ? { nClasses: problem.nClasses } : {}),
    }),
    ...(hasThreshold ? outOfFoldDecisionMetrics(rows, costs ?? undefined) : {}),
  }));
  return {
    name,
    kind,
    cv: meanMetrics(perRepeat),
    threshold: hasThreshold ? servingThreshold(candidate.repeats, costs ?? undefined) : null,
    iterations,
  };
}

function servingThreshold(repeats: readonly PooledRows[], costs: AlertCosts | undefined): number {
  return mean(repeats.map((rows) => chooseThreshold(rows.truth, rows.prediction, costs).threshold));
}

function meanMetrics(sets: readonly MetricSet[]): MetricSet {
  const keys = Object.keys(sets[0] ?? {}).filter((key) => sets.every((set) => set[key] !== undefined));
  return Object.fromEntries(keys.map((key) => [key, mean(sets.map((set) => set[key] as number))]));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
