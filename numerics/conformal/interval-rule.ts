import { interpolate } from "../stats/piecewise-linear.ts";

/** How far below and above an answer the truth lies with a stated probability, as functions of the answer alone. */
export interface IntervalRule {
  /** Share of truths inside, in (0, 1). */
  readonly level: number;
  readonly method: IntervalMethod;
  /** Answers, strictly ascending; between them the distances are linear, beyond them constant. */
  readonly knots: readonly number[];
  /** Distance from the answer down to the lower end, one per knot, in units of the answer. */
  readonly below: readonly number[];
  /** Distance up to the upper end. */
  readonly above: readonly number[];
}

/**
 * - `absolute`: one distance for all answers
 * - `normalised`: distances that grow with the usual error near that answer
 * - `skewed`: as normalised, with errors below and above the answer measured apart
 */
export const INTERVAL_METHODS = ["absolute", "normalised", "skewed"] as const;
export type IntervalMethod = (typeof INTERVAL_METHODS)[number];

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Range that truths and answers are known to lie in. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/**
 * The interval of one answer, cut to the range; it always holds the answer itself.
 *
 * @param value finite, within the range
 */
export function intervalOf(rule: IntervalRule, value: number, range?: ValueRange): Interval {
  const { knots, below, above } = rule;
  const low = value - Math.max(0, interpolate({ knots, values: below }, value));
  const high = value + Math.max(0, interpolate({ knots, values: above }, value));
  if (range === undefined) return { low, high };
  return { low: Math.min(value, Math.max(range.min, low)), high: Math.max(value, Math.min(range.max, high)) };
}

/** What intervals did on rows with known truth. */
export interface IntervalScore {
  /** Share of truths inside, ends included. */
  readonly coverage: number;
  readonly meanWidth: number;
}

/**
 * Coverage and mean width over rows.
 *
 * @throws {RangeError} without rows
 */
export function scoreIntervals(
  rule: IntervalRule,
  { truth, prediction }: { readonly truth: ArrayLike<number>; readonly prediction: ArrayLike<number> },
  range?: ValueRange,
): IntervalScore {
  if (truth.length === 0) throw new RangeError("truth must not be empty");
  let [nInside, width] = [0, 0];
  for (let row = 0; row < truth.length; row++) {
    const { low, high } = intervalOf(rule, prediction[row], range);
    if (truth[row] >= low && truth[row] <= high) nInside++;
    width += high - low;
  }
  return { coverage: nInside / truth.length, meanWidth: width / truth.length };
}
