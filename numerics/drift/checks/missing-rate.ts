import { chiSquareTest } from "../statistics/chi-square-test.ts";

/** Rows with and without a value, on one side. */
export interface Presence {
  readonly present: number;
  readonly missing: number;
  /** share of these rows that count as independent, in (0, 1] */
  readonly independentRatio: number;
}

/** How the share of missing values has changed. */
export interface MissingShift {
  readonly shareBefore: number;
  readonly share: number;
  /** absolute difference of the shares, in [0, 1] */
  readonly effect: number;
  /** Cohen's h = 2 asin √share − 2 asin √shareBefore, in [−π, π]: the same difference counts for more near 0 and 1 */
  readonly cohenH: number;
  readonly pValue: number;
}

/** Expected rows below which the normal law of a share does not hold; there is then no evidence either way. */
const MIN_EXPECTED = 5;

/**
 * Two-proportion test of the missing share.
 *
 * z = (q − p)/√(r (1 − r)(1/n + 1/m)),  r pooled;  two-sided p from z², which is χ² with one degree of freedom
 *
 * @param before rows of the reference
 * @param live   rows of the window
 * @returns p 1 when a side has no rows, or too few to expect a missing and a present one
 *
 * Source: Cohen 1988, chapter 6 (h). Checked: tests/peers/drift against scipy.stats.chi2_contingency.
 */
export function missingShift(before: Presence, live: Presence): MissingShift {
  const shareBefore = shareOf(before);
  const share = shareOf(live);
  return {
    shareBefore,
    share,
    effect: Math.abs(share - shareBefore),
    cohenH: 2 * Math.asin(Math.sqrt(share)) - 2 * Math.asin(Math.sqrt(shareBefore)),
    pValue: pValueOf(before, live),
  };
}

function shareOf({ present, missing }: Presence): number {
  return missing === 0 ? 0 : missing / (present + missing);
}

function pValueOf(before: Presence, live: Presence): number {
  const m = (before.present + before.missing) * before.independentRatio;
  const n = (live.present + live.missing) * live.independentRatio;
  const missing = before.missing * before.independentRatio + live.missing * live.independentRatio;
  const leastExpected = (Math.min(missing, m + n - missing) * Math.min(m, n)) / (m + n);
  if (!(leastExpected >= MIN_EXPECTED)) return 1;
  return chiSquareTest(
    [before.present * before.independentRatio, before.missing * before.independentRatio],
    [live.present * live.independentRatio, live.missing * live.independentRatio],
  ).pValue;
}
