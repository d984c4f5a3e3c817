import { requireInRange } from "../../stats/checked-array.ts";

/** Outcome of a two-sample test. */
export interface KolmogorovSmirnov {
  /** largest distance of the two distribution functions, in [0, 1] */
  readonly statistic: number;
  /** asymptotic, two-sided; too large (cautious) where values tie */
  readonly pValue: number;
}

/** The stored side of a test: what `freezeReference` keeps of a numeric feature. */
export interface SketchedSample {
  /** ascending */
  readonly sketch: ArrayLike<number>;
  /** number of values the sketch stands for */
  readonly count: number;
}

/**
 * Two-sample Kolmogorov–Smirnov test.
 *
 * D = max |F(x) − G(x)|;  p = K(D √(n m / (n + m))) with Kolmogorov's limiting distribution
 *
 * @param left  ascending, no NaN
 * @param right ascending, no NaN
 * @returns statistic 0 and p 1 when a side is empty
 *
 * Cost: O(n + m). Checked: tests/peers/metrics against scipy.stats.ks_2samp and scipy.special.kolmogorov.
 */
export function ksTwoSample(left: ArrayLike<number>, right: ArrayLike<number>): KolmogorovSmirnov {
  const statistic = largestDistance(left, right);
  return { statistic, pValue: pValueOf(statistic, left.length, right.length) };
}

/**
 * The same test against a sketch, from counts of the live values. The distance is lowered by the most the sketch can be
 * off (1/(2K) + 1/m), so a sketch never makes an alarm that the full sample would not.
 *
 * Between two points of the sketch its distribution function is flat and the other one rises, so the largest distance is
 * at a point or just before one: counts there are all that is needed.
 *
 * @param live        per point of the sketch the live values below it, and up to and with it; `count` in total
 * @param stored      sketch of K points standing for m values; exact when K = m
 * @param independent how many of the live and of the m stored values count as independent in the p-value; default all
 */
export function ksAgainstSketch(
  live: { readonly below: ArrayLike<number>; readonly upTo: ArrayLike<number>; readonly count: number },
  stored: SketchedSample,
  independent: { readonly live: number; readonly stored: number } = {
    live: live.count,
    stored: stored.count,
  },
): KolmogorovSmirnov {
  const { sketch, count } = stored;
  const nPoints = sketch.length;
  let largest = 0;
  let first = 0;
  for (let i = 0; i < nPoints && live.count > 0; i++) {
    // Points that tie are one jump: compared before the first and after the last of them.
    if (i > 0 && sketch[i] !== sketch[i - 1]) first = i;
    if (i + 1 < nPoints && sketch[i] === sketch[i + 1]) continue;
    const before = Math.abs(live.below[i] / live.count - first / nPoints);
    const after = Math.abs(live.upTo[i] / live.count - (i + 1) / nPoints);
    largest = Math.max(largest, before, after);
  }
  const slack = nPoints < count ? 0.5 / nPoints + 1 / count : 0;
  const statistic = Math.max(0, largest - slack);
  return { statistic, pValue: pValueOf(statistic, independent.live, independent.stored) };
}

/**
 * Upper tail of Kolmogorov's distribution.
 *
 * K(λ) = 2 Σ (−1)^(j−1) exp(−2 j² λ²), or for small λ 1 − √(2π)/λ Σ exp(−(2j − 1)² π² / (8 λ²)): five terms of whichever
 * converges at once give full precision.
 *
 * @param lambda ≥ 0
 * @returns in [0, 1]
 * @throws {RangeError} for a negative or NaN λ
 *
 * Source: Marsaglia, Tsang & Wang 2003 (doi:10.18637/jss.v008.i18).
 */
export function kolmogorovTail(lambda: number): number {
  requireInRange("lambda", lambda, [0, Number.POSITIVE_INFINITY]);
  if (lambda < 0.04) return 1;
  let sum = 0;
  if (lambda < 1.18) {
    for (let j = 1; j <= 5; j++) sum += Math.exp(-(((2 * j - 1) * Math.PI) ** 2) / (8 * lambda * lambda));
    return 1 - (Math.sqrt(2 * Math.PI) / lambda) * sum;
  }
  for (let j = 1; j <= 5; j++) sum += (j % 2 === 1 ? 2 : -2) * Math.exp(-2 * (j * lambda) ** 2);
  return Math.max(0, Math.min(1, sum));
}

function pValueOf(statistic: number, n: number, m: number): number {
  if (n === 0 || m === 0) return 1;
  return kolmogorovTail(statistic * Math.sqrt((n / (n + m)) * m));
}

/** Walks both samples once; tied values advance together, as both distribution functions jump there. */
function largestDistance(left: ArrayLike<number>, right: ArrayLike<number>): number {
  const n = left.length;
  const m = right.length;
  if (n === 0 || m === 0) return 0;
  let i = 0;
  let j = 0;
  let largest = 0;
  while (i < n && j < m) {
    const value = Math.min(left[i], right[j]);
    while (i < n && left[i] === value) i++;
    while (j < m && right[j] === value) j++;
    largest = Math.max(largest, Math.abs(i / n - j / m));
  }
  return largest;
}
