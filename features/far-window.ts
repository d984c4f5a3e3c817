import type { SqlPlan } from "./sql-plan.ts";

/**
 * A spread below this share of the distance from the first value loses digits to that distance: doubles that far away are 2⁻⁵² of it
 * apart, which leaves 2⁻³² of the spread, 2.3e-10.
 */
const FAR = "9.5367431640625e-7";

/** The spread of values in a window, taken about a first value, and what it is worth. */
export interface Spread {
  readonly std: string;
  /** Too small beside the distance from the first value to be told well, or to be told from none. */
  readonly isFar: string;
  /** Of values that are all equal; where not far. */
  readonly isFlat: string;
}

/**
 * Differences that are all equal are of equal values where they are no larger than these, since they are no coarser then. Around
 * a zero they are coarser, but tiny values that add up to nothing are none.
 *
 * @param value  an expression that NULL masks the same rows of as of `term`
 * @param term   value − first
 * @param first  absent: the term is the value, exact at any distance
 */
export function spreadOf(
  plan: SqlPlan,
  { value, term, first, frame }: Record<"value" | "term" | "frame", string> & { readonly first?: string },
): Spread {
  const std = plan.window(`stddev_samp(${term})`, frame);
  const mean = plan.window(`avg(${value})`, frame);
  const distance = first === undefined ? `abs(${mean})` : `abs(${mean} - ${first})`;
  const isFlat = `${std} = 0`;
  const isSure =
    first === undefined
      ? isFlat
      : `coalesce(${isFlat} AND (${distance} <= abs(${value}) OR (${value} = 0 AND ${mean} = 0)), false)`;
  return { std, isFlat, isFar: `(${std} < ${FAR} * ${distance} AND NOT ${isSure})` };
}
