import { betaBinomialTail } from "../../stats/beta-binomial.ts";

/** Rows of categories that the reference does not name. */
export interface CategoryShift {
  readonly share: number;
  /** what that share averages without drift */
  readonly expected: number;
  /** max(0, share − expected) */
  readonly effect: number;
  readonly pValue: number;
}

/**
 * Whether more rows than chance puts there are of a category that the reference does not name.
 *
 * Where the reference names every category, the share of rows to come whose category was never seen is estimated by the
 * share of rows that were alone in theirs (Good–Turing); where it pools rare ones, by the share of the pooled rows. With s
 * such rows of m the chance of the next one is taken as Beta(s + 1, m − s), the cautious end, which for s = 0 is Fisher's
 * exact test.
 *
 * @param unnamed live rows of unnamed categories
 * @param live    present live rows, and how many of them count as independent
 * @param before  the same of the reference, and `unnamed`: its rows that were alone in their category, or are pooled
 * @returns p 1 when a side has no row
 *
 * Source: Good 1953 (doi:10.1093/biomet/40.3-4.237).
 */
export function newCategoryShift(
  unnamed: number,
  live: { readonly count: number; readonly independent: number },
  before: { readonly count: number; readonly independent: number; readonly unnamed: number },
): CategoryShift {
  if (live.count === 0 || before.count === 0) return { share: 0, expected: 0, effect: 0, pValue: 1 };
  const n = Math.max(1, Math.floor(live.independent));
  const m = Math.max(1, Math.floor(before.independent));
  const share = unnamed / live.count;
  const expected = before.unnamed / before.count;
  const k = Math.min(n, Math.floor(share * n + 1e-9));
  const s = Math.min(m, Math.ceil(expected * m - 1e-9));
  const pValue = s >= m ? 1 : betaBinomialTail(k, { n, a: s + 1, b: m - s });
  return { share, expected, effect: Math.max(0, share - expected), pValue };
}
