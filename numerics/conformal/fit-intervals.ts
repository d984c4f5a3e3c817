/**
 * Split conformal intervals from out-of-fold predictions.
 *
 * An out-of-fold error is one of a row whose group the model has not seen, as the rows that are served will be. With
 * scores s_i = |y_i − ŷ_i| / σ(ŷ_i) of n rows and q their ⌈(n + 1) · level⌉-th smallest, the interval ŷ ± q σ(ŷ) holds
 * the truth of a new row with probability ≥ level. σ is 1, or the usual error near that answer: then intervals are short
 * where the model is sure, e.g. near a failure. σ depends on the answer only, so that serving needs nothing but a short
 * table beside the answer.
 *
 * Rows of one group are not independent: the level holds for rows of groups drawn like these, on average over groups.
 *
 * Source: Papadopoulos et al. 2002; Lei et al. 2018 (doi:10.1080/01621459.2017.1307116), locally weighted; Vovk 2015,
 * cross-conformal.
 */
import { joinRepeats, leaveOneFoldOut } from "../evaluation/out-of-fold.ts";
import type { OutOfFoldRows } from "../evaluation/out-of-fold.ts";
import { interpolate } from "../stats/piecewise-linear.ts";
import type { PiecewiseLinear } from "../stats/piecewise-linear.ts";
import { errorBins, fitErrorScale } from "./error-scale.ts";
import type { ErrorScale, ErrorScaleOptions } from "./error-scale.ts";
import { INTERVAL_METHODS, intervalOf } from "./interval-rule.ts";
import type { IntervalMethod, IntervalRule, IntervalScore, ValueRange } from "./interval-rule.ts";

/** How a method did on folds it was not fitted on, averaged over repeats. */
export interface IntervalTrial extends IntervalScore {
  readonly method: IntervalMethod;
}

export interface FittedIntervals {
  /** Fitted on all out-of-fold rows. */
  readonly rule: IntervalRule;
  /** Of the chosen method, then of the others. */
  readonly trials: readonly IntervalTrial[];
}

export interface IntervalOptions {
  /** Share of truths inside, in (0, 1). */
  readonly level: number;
  /** Range of truths and answers; intervals are cut to it. */
  readonly range?: ValueRange;
}

/** With fewer rows the quantile of a level of 0.9 is among the largest few errors. */
export const MIN_INTERVAL_ROWS = 40;
/** A method that misses the level by more is not chosen for being narrow. */
const MOST_SHORT = 0.01;

/**
 * Fits every method without a fold, judges it on that fold, and takes the one with the least mean width among those that
 * reach the level; then fits it on all rows.
 *
 * @param repeats rows of each repeat, finite
 * @returns null with fewer than 40 rows in a repeat, or fewer than two folds
 * @throws {RangeError} when level is not in (0, 1)
 */
export function fitIntervals(
  repeats: readonly OutOfFoldRows[],
  options: IntervalOptions,
): FittedIntervals | null {
  if (!(options.level > 0 && options.level < 1))
    throw new RangeError(`level must be in (0, 1), got ${options.level}`);
  const isEnough = (rows: OutOfFoldRows): boolean =>
    rows.truth.length >= MIN_INTERVAL_ROWS && new Set(rows.fold).size > 1;
  if (repeats.length === 0 || !repeats.every(isEnough)) return null;
  // One number for scales of all and of fewer rows: scores by one shape of scale say nothing of widths by another.
  const nBins = errorBins(Math.min(...repeats.map(({ truth }) => truth.length)));
  const trials = INTERVAL_METHODS.map((method) => judge(repeats, { ...options, method, nBins }));
  const reached = trials.filter(({ coverage }) => coverage >= options.level - MOST_SHORT);
  const eligible = reached.length > 0 ? reached : trials.slice(0, 1);
  const best = eligible.reduce((a, b) => (b.meanWidth < a.meanWidth ? b : a));
  return {
    rule: fitRule(repeats, { ...options, method: best.method, nBins }),
    trials: [best, ...trials.filter((trial) => trial !== best)],
  };
}

interface MethodOptions extends IntervalOptions {
  readonly method: IntervalMethod;
  /** Of its scale. */
  readonly nBins: number;
}

function judge(repeats: readonly OutOfFoldRows[], options: MethodOptions): IntervalTrial {
  let [coverage, meanWidth] = [0, 0];
  for (const rows of repeats) {
    let [nInside, width] = [0, 0];
    for (const { others, own } of leaveOneFoldOut(rows)) {
      const rule = fitRule([others], options);
      own.prediction.forEach((value, row) => {
        const { low, high } = intervalOf(rule, value, options.range);
        if (own.truth[row] >= low && own.truth[row] <= high) nInside++;
        width += high - low;
      });
    }
    coverage += nInside / rows.truth.length / repeats.length;
    meanWidth += width / rows.truth.length / repeats.length;
  }
  return { method: options.method, coverage, meanWidth };
}

/**
 * Scale and quantile of one method on all given rows. The scale is of all of them; each score takes the scale of the
 * other folds, as the scale of rows that are served has not seen them either.
 */
function fitRule(repeats: readonly OutOfFoldRows[], options: MethodOptions): IntervalRule {
  const { level, method } = options;
  const scale = scaleOf(joinRepeats(repeats), options);
  const q = conformalQuantile(
    Float64Array.from(repeats.flatMap((rows) => [...scoresOf(rows, options)])),
    level,
  );
  const distances = (side: PiecewiseLinear): number[] => side.values.map((value) => q * value);
  return {
    level,
    method,
    knots: [...scale.below.knots],
    below: distances(scale.below),
    above: distances(scale.above),
  };
}

function scaleOf({ truth, prediction }: OutOfFoldRows, { method, nBins }: MethodOptions): ErrorScale {
  if (method === "absolute") return UNIT;
  const options: ErrorScaleOptions = { isSkewed: method === "skewed", nBins };
  return fitErrorScale(truth, prediction, options);
}

function scoresOf(rows: OutOfFoldRows, options: MethodOptions): Float64Array {
  const scores = new Float64Array(rows.truth.length);
  for (const { others, own, index } of leaveOneFoldOut(rows)) {
    const scale = scaleOf(others.truth.length > 0 ? others : own, options);
    index.forEach((row, place) => {
      const error = own.truth[place] - own.prediction[place];
      const size = interpolate(error > 0 ? scale.above : scale.below, own.prediction[place]);
      // Where the other folds have no error at all the scale is 0: a score must stay finite.
      scores[row] = Math.abs(error) / Math.max(size, LEAST_SIZE);
    });
  }
  return scores;
}

const LEAST_SIZE = 1e-9;
const UNIT: ErrorScale = { below: { knots: [0], values: [1] }, above: { knots: [0], values: [1] } };

/**
 * The ⌈(n + 1) · level⌉-th smallest score; the largest where there are too few.
 *
 * @param scores finite, n ≥ 1
 */
export function conformalQuantile(scores: Float64Array, level: number): number {
  const sorted = Float64Array.from(scores).sort();
  const rank = Math.ceil((sorted.length + 1) * level);
  return sorted[Math.min(sorted.length, rank) - 1];
}
