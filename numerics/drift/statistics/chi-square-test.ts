import { requireSameLength } from "../../stats/checked-array.ts";
import { chiSquareTail } from "../../stats/chi-square.ts";

/** Outcome of Pearson's test. */
export interface ChiSquareTest {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
}

/** Nothing to compare: fewer than two categories with rows. */
const NO_TEST: ChiSquareTest = { statistic: 0, degreesOfFreedom: 0, pValue: 1 };

/** Categories expected to hold fewer rows than this are pooled before the test (Cochran's rule). */
const MIN_EXPECTED = 5;

/**
 * Pearson's χ² test that two rows of counts share one distribution.
 *
 * χ² = Σ (aᵢ − Eᵢ)²/Eᵢ over both rows,  E = row total · column total / total;  B − 1 degrees of freedom
 *
 * @param before counts per category, ≥ 0; need not be whole (counts scaled to independent rows)
 * @param live   counts per category, in the same order
 * @returns p 1 when fewer than two categories have rows or a side has none
 * @throws {RangeError} when the numbers of categories differ
 *
 * Source: Pearson 1900. Checked: tests/peers/drift against scipy.stats.chi2_contingency without continuity correction.
 */
export function chiSquareTest(before: ArrayLike<number>, live: ArrayLike<number>): ChiSquareTest {
  requireSameLength(["before", "live"], before, live);
  let m = 0;
  let n = 0;
  for (let i = 0; i < before.length; i++) {
    m += before[i];
    n += live[i];
  }
  let statistic = 0;
  let nCategories = 0;
  for (let i = 0; i < before.length; i++) {
    const total = before[i] + live[i];
    if (total === 0) continue;
    nCategories++;
    const expectedBefore = (total * m) / (m + n);
    const expectedLive = (total * n) / (m + n);
    statistic += (before[i] - expectedBefore) ** 2 / expectedBefore;
    statistic += (live[i] - expectedLive) ** 2 / expectedLive;
  }
  if (nCategories < 2 || m === 0 || n === 0) return NO_TEST;
  const degreesOfFreedom = nCategories - 1;
  return { statistic, degreesOfFreedom, pValue: chiSquareTail(statistic, degreesOfFreedom) };
}

/**
 * Joins categories whose expected count is too small on either side into one, so that the χ² law holds.
 *
 * @returns both rows of counts, equally long, without categories that have no row
 */
export function poolRareCategories(
  before: ArrayLike<number>,
  live: ArrayLike<number>,
): { before: number[]; live: number[] } {
  requireSameLength(["before", "live"], before, live);
  let m = 0;
  let n = 0;
  for (let i = 0; i < before.length; i++) {
    m += before[i];
    n += live[i];
  }
  const smallerShare = Math.min(m, n) / (m + n);
  const pooled = { before: [] as number[], live: [] as number[] };
  const rare = { before: 0, live: 0 };
  for (let i = 0; i < before.length; i++) {
    if ((before[i] + live[i]) * smallerShare >= MIN_EXPECTED) {
      pooled.before.push(before[i]);
      pooled.live.push(live[i]);
    } else {
      rare.before += before[i];
      rare.live += live[i];
    }
  }
  if (rare.before + rare.live > 0) {
    pooled.before.push(rare.before);
    pooled.live.push(rare.live);
  }
  return pooled;
}
