import { scoreIntervals } from "../conformal/interval-rule.ts";
import type { IntervalRule, ValueRange } from "../conformal/interval-rule.ts";
import { requireFinite, requireSameLength } from "../stats/checked-array.ts";
import { averagePrecision, brierScore, logLoss, rocAuc } from "./binary.ts";
import { accuracyOf, countConfusion, f1Of, matthewsOf, precisionOf, recallOf } from "./confusion.ts";
import { forecastMetrics } from "./forecast.ts";
import type { MetricTask } from "./metric-table.ts";
import {
  confusionMatrix,
  macroF1,
  matrixAccuracy,
  multiclassBrierScore,
  multiclassLogLoss,
  predictedClasses,
} from "./multiclass.ts";
import { meanAbsoluteError, nasaScore, rSquared, rootMeanSquaredError } from "./regression.ts";

/** What some tasks need besides truth and prediction. */
export interface MetricOptions {
  /** binary: alert when the probability is ≥ this; default 0.5. anomaly: the score; default: never */
  readonly threshold?: number;
  /** binary: keys that are asked for, of which some cost a sort; default: all */
  readonly only?: readonly string[];
  /** multiclass: number of classes; default is the prediction's length over the truth's */
  readonly nClasses?: number;
  /**
   * rul: the uncapped remaining life per row, NaN where only the cap is known to be reached; default is the truth. forecast:
   * the naive forecast, NaN where there is none
   */
  readonly truthRaw?: ArrayLike<number>;
  /** rul: intervals around the answers; without them their metrics have no key */
  readonly interval?: { readonly rule: IntervalRule; readonly range?: ValueRange };
  /** forecast: levels of the prediction's columns, ascending */
  readonly quantiles?: readonly number[];
  /** forecast: answers that `skill` is against, as the prediction; without them it has no key */
  readonly reference?: ArrayLike<number>;
}

/**
 * All metrics of a task, by key.
 *
 * @param task       decides the keys: those of `METRICS` that name it
 * @param truth      binary 0/1; anomaly 0/1, NaN where nobody knows; multiclass class index; regression target; rul capped remaining life
 * @param prediction binary probability of class 1; anomaly a score, larger is more unusual; multiclass row-major probabilities (nRows × nClasses); forecast row-major quantiles; else the value
 * @returns finite numbers only: a metric that is undefined on these rows (ROC AUC of one class, R² of a constant, an
 *          overflowing NASA score) has no key, so that the record survives JSON and a gate on it fails openly
 * @throws {RangeError} when rows are empty, of different length, not finite or outside the task's range
 */
export function computeMetrics(
  task: MetricTask,
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
  options: MetricOptions = {},
): Record<string, number> {
  return definedOnly(COMPUTE[task](truth, prediction, options));
}

/** One line per task kind. */
const COMPUTE: Readonly<
  Record<
    MetricTask,
    (t: ArrayLike<number>, p: ArrayLike<number>, options: MetricOptions) => Record<string, number>
  >
> = {
  binary: binaryMetrics,
  multiclass: (truth, probability, options) => multiclassMetrics(truth, probability, options.nClasses),
  regression: regressionMetrics,
  anomaly: (truth, score, options) => anomalyMetrics(truth, score, options.threshold ?? Infinity),
  forecast: (truth, prediction, { quantiles = [], truthRaw, reference }) =>
    forecastMetrics(
      { truth, prediction },
      {
        quantiles,
        ...(truthRaw === undefined ? {} : { naive: truthRaw }),
        ...(reference === undefined ? {} : { reference }),
      },
    ),
  rul: (truth, prediction, options) => ({
    ...rulMetrics(truth, prediction, options.truthRaw ?? truth),
    ...(options.interval === undefined ? {} : intervalMetrics({ truth, prediction }, options.interval)),
  }),
};

function binaryMetrics(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  { threshold = 0.5, only }: MetricOptions,
): Record<string, number> {
  const counts = countConfusion(truth, probability, threshold);
  const all: Readonly<Record<string, () => number>> = {
    rocAuc: () => rocAuc(truth, probability),
    averagePrecision: () => averagePrecision(truth, probability),
    f1: () => f1Of(counts),
    precision: () => precisionOf(counts),
    recall: () => recallOf(counts),
    accuracy: () => accuracyOf(counts),
    mcc: () => matthewsOf(counts),
    logLoss: () => logLoss(truth, probability),
    brier: () => brierScore(truth, probability),
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, compute]) =>
      only === undefined || only.includes(key) ? [[key, compute()]] : [],
    ),
  );
}

/** Rows without a label count in `alertShare` alone. */
function anomalyMetrics(
  truth: ArrayLike<number>,
  score: ArrayLike<number>,
  threshold: number,
): Record<string, number> {
  requireSameLength(["truth", "score"], truth, score);
  requireFinite("score", score);
  const alertShare = Array.from(score).filter((value) => value >= threshold).length / score.length;
  const labelled = Array.from(truth, (_, row) => row).filter((row) => !Number.isNaN(truth[row]));
  const known = labelled.map((row) => truth[row]);
  if (!known.includes(1) || !known.includes(0)) return { alertShare };
  const own = labelled.map((row) => score[row]);
  const counts = countConfusion(known, own, threshold);
  return {
    rocAuc: rocAuc(known, own),
    averagePrecision: averagePrecision(known, own),
    f1: f1Of(counts),
    precision: precisionOf(counts),
    recall: recallOf(counts),
    alertShare,
  };
}

function multiclassMetrics(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  declared: number | undefined,
): Record<string, number> {
  const nClasses = declared ?? probability.length / truth.length;
  const logLossValue = multiclassLogLoss(truth, probability, nClasses);
  const matrix = confusionMatrix(truth, predictedClasses(probability, nClasses), nClasses);
  return {
    accuracy: matrixAccuracy(matrix, nClasses),
    macroF1: macroF1(matrix, nClasses),
    logLoss: logLossValue,
    brier: multiclassBrierScore(truth, probability, nClasses),
  };
}

function regressionMetrics(truth: ArrayLike<number>, prediction: ArrayLike<number>): Record<string, number> {
  return {
    rmse: rootMeanSquaredError(truth, prediction),
    mae: meanAbsoluteError(truth, prediction),
    r2: rSquared(truth, prediction),
  };
}

function rulMetrics(
  truthCapped: ArrayLike<number>,
  prediction: ArrayLike<number>,
  truthRaw: ArrayLike<number>,
): Record<string, number> {
  requireSameLength(["truth", "truthRaw"], truthCapped, truthRaw);
  const known = Array.from(truthRaw, (_, row) => row).filter((row) => !Number.isNaN(truthRaw[row]));
  const pick = (values: ArrayLike<number>) =>
    known.length === truthRaw.length ? values : known.map((row) => values[row]);
  const ofRaw = (metric: typeof nasaScore) =>
    known.length === 0 ? Number.NaN : metric(pick(truthRaw), pick(prediction));
  return {
    rmse: rootMeanSquaredError(truthCapped, prediction),
    rmseRaw: ofRaw(rootMeanSquaredError),
    mae: meanAbsoluteError(truthCapped, prediction),
    nasaScore: nasaScore(truthCapped, prediction),
    nasaScoreRaw: ofRaw(nasaScore),
    r2: rSquared(truthCapped, prediction),
  };
}

function intervalMetrics(
  rows: Parameters<typeof scoreIntervals>[1],
  { rule, range }: NonNullable<MetricOptions["interval"]>,
): Record<string, number> {
  const { coverage, meanWidth } = scoreIntervals(rule, rows, range);
  return { intervalCoverage: coverage, intervalWidth: meanWidth };
}

function definedOnly(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
