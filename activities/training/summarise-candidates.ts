import { alertCurve } from "../../numerics/evaluation/alert-budget.ts";
import type { AlertCurvePoint } from "../../numerics/evaluation/alert-budget.ts";
import { mixOutOfFold } from "../../numerics/blend/mix.ts";
import type { BlendParameters } from "../../numerics/blend/parameters.ts";
import { calibrate, NO_CALIBRATION } from "../../numerics/calibration/calibrator.ts";
import type { Calibrator } from "../../numerics/calibration/calibrator.ts";
import type { CalibrationChoice } from "../../numerics/calibration/choose-calibrator.ts";
import type { FittedIntervals } from "../../numerics/conformal/fit-intervals.ts";
import { chooseThreshold } from "../../numerics/evaluation/threshold.ts";
import type { AlertCosts } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import { fitErrorModel } from "../../numerics/performance/error-model.ts";
import type { ErrorModel } from "../../numerics/performance/error-model.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import { detectionMetrics, detectionThreshold } from "./anomaly-metrics.ts";
import { DECISION_METRICS, outOfFoldDecisionMetrics } from "./out-of-fold-decisions.ts";
import { isBetter } from "./problem.ts";
import type { Problem } from "./problem.ts";
import { forecastRowMetrics, servingOffsets } from "./forecast-metrics.ts";
import { lifeMetrics } from "./life-metrics.ts";
import type { CensoredAnswers } from "./life-metrics.ts";
import { calibratedRows, fitUncertainty, uncertaintyMetrics } from "./uncertainty.ts";
import type { AnyCalibrator, UncertaintyChoice } from "./uncertainty.ts";

/** Out-of-fold rows of one candidate in one repeat, pooled over its folds. */
export interface PooledRows {
  readonly truth: Float64Array;
  readonly truthRaw: Float64Array;
  readonly prediction: Float64Array;
  /** Fold that each row validated in. */
  readonly fold: Int32Array;
  /** Of anomalies with a calendar: asset and day of each row as one number. */
  readonly assetDay?: Float64Array;
  /** Of forecasts, whose rows are pairs of row and horizon: index of the horizon; `truthRaw` is the naive forecast. */
  readonly horizon?: Int32Array;
  /** Rows of assets that had not failed: what their life exceeds. They count in the order of lives alone. */
  readonly censored?: CensoredAnswers & { readonly fold: Int32Array };
}

export interface CandidateRows {
  readonly name: string;
  readonly kind: string;
  readonly repeats: readonly PooledRows[];
  /** Mean rounds over folds and repeats; null where nothing is boosted. */
  readonly iterations: number | null;
  /** Of a boosted forecast: the same of each horizon and quantile. */
  readonly rounds?: readonly number[];
  /** Of a blend. */
  readonly members?: readonly BlendMember[];
  /** Judged, and of use to blends, but never chosen by itself. */
  readonly isMemberOnly?: boolean;
}

export interface BlendMember {
  readonly name: string;
  /** Share in the final blend. */
  readonly weight: number;
}

/** A mean of candidates, judged on their out-of-fold answers. */
export interface BlendRequest {
  readonly name: string;
  /** Names among the candidates. */
  readonly members: readonly string[];
  readonly weighting: BlendParameters["weighting"];
}

export interface SummaryJob extends UncertaintyChoice {
  readonly problem: Problem;
  readonly candidates: readonly CandidateRows[];
  readonly blends: readonly BlendRequest[];
  readonly costs: { readonly missedFailure: number; readonly falseAlarm: number } | null;
}

export interface CandidateSummary {
  readonly name: string;
  readonly kind: string;
  readonly cv: MetricSet;
  /** Binary: chosen on all out-of-fold rows, for serving; `cv` was decided without the fold it scores. */
  readonly threshold: number | null;
  readonly iterations: number | null;
  readonly rounds?: readonly number[];
  readonly members?: readonly BlendMember[];
  /** Classes: null for the constant baseline, and for other tasks. */
  readonly calibration: CalibrationChoice<AnyCalibrator> | null;
  /** Regression: null where too few rows were held out, for the constant baseline, and for other tasks. */
  readonly interval: FittedIntervals | null;
  /** Of forecasts: how far each output is moved; null for the baseline, and for other tasks. */
  readonly offsets: readonly number[] | null;
}

/** The chosen candidate first named, all with their metrics. */
export interface Summary {
  readonly chosen: string;
  /** Of the chosen one, where a threshold decides. */
  readonly alertCurve?: readonly AlertCurvePoint[];
  /** Of the chosen one, where it answers numbers: how far off it was. */
  readonly errors?: ErrorModel;
  readonly candidates: readonly CandidateSummary[];
}

/**
 * Cross-validated metrics of every candidate: pooled over the folds of a repeat, then averaged over repeats. Decisions
 * are made with thresholds of the other folds, so that no metric has seen the rows it is computed on.
 * The constant baseline is listed and never chosen.
 */
export function summariseCandidates(job: SummaryJob, _hooks: TrainingHooks): Summary {
  const blends = job.blends.map((blend) => blendRows(blend, job));
  const all = [...job.candidates, ...blends];
  const candidates = all.map((candidate) => summarise(candidate, job));
  const chosen = choose(candidates, job);
  const rows = all.find(({ name }) => name === chosen)?.repeats[0];
  const { kind } = job.problem;
  if (rows !== undefined && kind === "regression") {
    const errors = fitErrorModel(rows.truth, rows.prediction);
    return { chosen, candidates, ...(errors === null ? {} : { errors }) };
  }
  if (rows === undefined || (kind !== "binary" && kind !== "anomaly")) return { chosen, candidates };
  const { assetDay, truth } = rows;
  // As served: thresholds are in calibrated probabilities.
  const calibrator = lineOrCurve(candidates.find(({ name }) => name === chosen)?.calibration ?? null);
  const score = calibrate(calibrator, rows.prediction);
  const scored = assetDay === undefined ? { score } : { score, assetDay };
  return { chosen, candidates, alertCurve: alertCurve(scored, truth) };
}

function choose(candidates: readonly CandidateSummary[], job: SummaryJob): string {
  const metric = job.problem.primaryMetric;
  const isMemberOnly = (name: string) =>
    job.candidates.find((candidate) => candidate.name === name)?.isMemberOnly === true;
  const eligible = candidates.filter(
    (c) => c.kind !== "constant" && c.cv[metric] !== undefined && !isMemberOnly(c.name),
  );
  const { detection } = job.problem;
  if (detection !== undefined && (!detection.isRanked || eligible.length === 0)) {
    // Without labels no figure says which detector is right; the file's first one is the choice of a person.
    const own = candidates.find((c) => c.kind !== "constant");
    if (own !== undefined) return own.name;
  }
  const [first, ...others] = eligible;
  if (first === undefined) throw new RangeError(`no candidate has a cross-validated ${metric}`);
  const best = others.reduce(
    (a, b) => (isBetter(metric, b.cv[metric] as number, a.cv[metric] as number) ? b : a),
    first,
  );
  return best.name;
}

/** Out-of-fold rows of a blend; its final shares are the mean over repeats. */
function blendRows({ name, members, weighting }: BlendRequest, job: SummaryJob): CandidateRows {
  const own = members.map((member) => {
    const found = job.candidates.find((candidate) => candidate.name === member);
    if (found === undefined) throw new RangeError(`blend ${name}: ${member} must be a candidate`);
    return found;
  });
  const mixes = (own[0]?.repeats ?? []).map((rows, repeat) => {
    const answers = own.map((member) => (member.repeats[repeat] as PooledRows).prediction);
    const { censored } = rows;
    const unjudged =
      censored === undefined
        ? {}
        : {
            unjudged: {
              answers: own.map(
                (member) => member.repeats[repeat]?.censored?.prediction ?? new Float64Array(),
              ),
              fold: censored.fold,
            },
          };
    return {
      rows,
      ...mixOutOfFold({
        truth: wantedAnswers(rows, job.problem),
        answers,
        fold: rows.fold,
        weighting,
        ...unjudged,
      }),
    };
  });
  return {
    name,
    kind: "blend",
    iterations: null,
    repeats: mixes.map(({ rows, answer, unjudged }) => ({
      ...rows,
      prediction: answer,
      ...(rows.censored === undefined ? {} : { censored: { ...rows.censored, prediction: unjudged } }),
    })),
    members: members.map((member, m) => ({
      name: member,
      weight: mean(mixes.map(({ weights }) => weights[m] as number)),
    })),
  };
}

/** The answers that would have been right: the truth, classes one-hot. */
function wantedAnswers({ truth }: PooledRows, { kind, nClasses }: Problem): Float64Array {
  if (kind !== "multiclass") return truth;
  const wanted = new Float64Array(truth.length * nClasses);
  truth.forEach((code, row) => (wanted[row * nClasses + code] = 1));
  return wanted;
}

/**
 * Metrics over the folds that are there: pooled within a repeat, averaged over repeats.
 *
 * @param only  metrics that are asked for; others may be left out
 */
export function pooledMetrics(
  candidate: CandidateRows,
  { problem, costs, baseline }: Pick<SummaryJob, "problem" | "costs"> & { readonly baseline?: CandidateRows },
  only?: readonly string[],
): MetricSet {
  const { kind, repeats } = candidate;
  const { detection, forecast } = problem;
  if (forecast !== undefined)
    return meanMetrics(
      repeats.map((rows, repeat) =>
        forecastRowMetrics(rows, forecast, {
          isMoved: isMoved(kind),
          ...(baseline === undefined ? {} : { reference: baseline.repeats[repeat]?.prediction }),
        }),
      ),
    );
  if (detection !== undefined && kind !== "constant")
    return meanMetrics(repeats.map((rows) => detectionMetrics(rows, detection, costs ?? undefined)));
  const perRepeat = repeats.map((rows) => ({
    ...computeMetrics(problem.metricTask, rows.truth, rows.prediction, {
      ...(only === undefined ? {} : { only }),
      truthRaw: rows.truthRaw,
      ...(problem.kind === "multiclass" ? { nClasses: problem.nClasses } : {}),
    }),
    ...lifeMetrics(problem, rows, rows.censored),
    ...(hasDecisions(candidate, problem) && isAsked(only)
      ? outOfFoldDecisionMetrics(rows, costs ?? undefined)
      : {}),
  }));
  return meanMetrics(perRepeat);
}

/** Decisions cost most of it: a threshold is chosen for every fold. */
const isAsked = (only: readonly string[] | undefined): boolean =>
  only === undefined || DECISION_METRICS.some((metric) => only.includes(metric));

const hasDecisions = ({ kind }: CandidateRows, problem: Problem): boolean =>
  problem.kind === "binary" && kind !== "constant";

function summarise(candidate: CandidateRows, job: SummaryJob): CandidateSummary {
  const { name, kind, iterations, members, repeats } = candidate;
  const { problem } = job;
  const { detection } = problem;
  const costs = job.costs ?? undefined;
  const baseline = job.candidates.find((one) => one.kind === "constant");
  const metricsOf = (rows: readonly PooledRows[]) =>
    pooledMetrics(
      { ...candidate, repeats: rows },
      { ...job, ...(baseline === undefined ? {} : { baseline }) },
    );
  if (problem.forecast !== undefined) {
    const offsets = isMoved(kind) ? servingOffsets(repeats, problem.forecast) : null;
    const { rounds } = candidate;
    const kept = { iterations, ...(rounds === undefined ? {} : { rounds }) };
    return { name, kind, cv: metricsOf(repeats), threshold: null, ...kept, ...NO_UNCERTAINTY, offsets };
  }
  if (detection !== undefined && kind !== "constant") {
    const cv = metricsOf(repeats);
    const thresholds = repeats.map((rows) => detectionThreshold(rows, detection, costs));
    return { name, kind, cv, threshold: mean(thresholds), iterations, ...NO_UNCERTAINTY };
  }
  const uncertainty = fitUncertainty(candidate, job);
  const { calibration, interval } = uncertainty;
  const cv = metricsOf(calibratedRows(repeats, uncertainty, problem));
  return {
    name,
    kind,
    cv: { ...cv, ...uncertaintyMetrics(uncertainty) },
    threshold: hasDecisions(candidate, problem)
      ? servingThreshold(repeats, lineOrCurve(calibration), costs)
      : null,
    iterations,
    ...(members === undefined ? {} : { members }),
    calibration,
    interval,
    offsets: null,
  };
}

/** Quantiles of the baseline, and of a graph from elsewhere, are served as they are. */
const isMoved = (kind: string): boolean => kind !== "constant" && kind !== "external";

const NO_UNCERTAINTY = { calibration: null, interval: null, offsets: null } as const;

/** In calibrated probabilities, as they are served. Which rows alert does not change: calibration keeps their order. */
function servingThreshold(
  repeats: readonly PooledRows[],
  calibrator: Calibrator,
  costs: AlertCosts | undefined,
): number {
  return mean(
    repeats.map(
      (rows) => chooseThreshold(rows.truth, calibrate(calibrator, rows.prediction), costs).threshold,
    ),
  );
}

/** What corrects the one probability of two classes. */
function lineOrCurve(calibration: CalibrationChoice<AnyCalibrator> | null): Calibrator {
  const calibrator = calibration?.calibrator ?? NO_CALIBRATION;
  return "calibration" in calibrator ? NO_CALIBRATION : calibrator;
}

function meanMetrics(sets: readonly MetricSet[]): MetricSet {
  const keys = Object.keys(sets[0] ?? {}).filter((key) => sets.every((set) => set[key] !== undefined));
  return Object.fromEntries(keys.map((key) => [key, mean(sets.map((set) => set[key] as number))]));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
