import { betaBinomialTail } from "../../stats/beta-binomial.ts";

/** Rows beyond what training has seen. */
export interface RangeShift {
  /** share of the present values below the frozen minimum or above the frozen maximum */
  readonly share: number;
  /** what that share averages without drift: 2/(m + 1) */
  readonly expected: number;
  /** max(0, share − expected) */
  readonly effect: number;
  readonly pValue: number;
}

/**
 * Whether more values lie outside the frozen range than chance puts there.
 *
 * Of m reference values, the next one falls outside their range with a chance that is Beta(2, m − 1), whatever their
 * (continuous) distribution; of n next ones the number outside is therefore beta-binomial. Values that repeat, such as a
 * sensor at its limit, make the test more cautious.
 *
 * @param outside live values outside the frozen range
 * @param live    present live values, and how many of them count as independent
 * @param before  the same of the reference
 * @returns p 1 when a side has no value or the reference only one
 *
 * Source: Wilks 1941 (doi:10.1214/aoms/1177731788), Robbins 1944 (exceedances).
 */
export function rangeShift(
  outside: number,
  live: { readonly count: number; readonly independent: number },
  before: { readonly count: number; readonly independent: number },
): RangeShift {
  const n = Math.max(1, Math.floor(live.independent));
  const m = Math.floor(before.independent);
  if (live.count === 0 || before.count < 2) return { share: 0, expected: 0, effect: 0, pValue: 1 };
  const share = outside / live.count;
  const expected = 2 / (before.count + 1);
  // Of dependent rows as many count as their independent equivalents; a part of one is no evidence.
  const k = Math.min(n, Math.floor(share * n + 1e-9));
  const pValue = m < 2 ? 1 : betaBinomialTail(k, { n, a: 2, b: m - 1 });
  return { share, expected, effect: Math.max(0, share - expected), pValue };
}
