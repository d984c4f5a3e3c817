import { requireInRange } from "./checked-array.ts";

/** Lanczos coefficients, g = 7, n = 9 (Godfrey): relative error of Γ below 1e-14. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/**
 * ln Γ(x) for x > 0.
 *
 * Source: Lanczos 1964 (doi:10.1137/0701008).
 */
export function logGamma(x: number): number {
  const z = x - 1;
  let series: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) series += LANCZOS[i] / (z + i);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(series);
}

/**
 * Upper tail of the χ² distribution: the p-value of a statistic.
 *
 * p = Q(k/2, x/2), the regularised upper incomplete gamma function: power series below a + 1, Lentz's continued fraction
 * above it, as each converges fast there.
 *
 * @param statistic        x ≥ 0
 * @param degreesOfFreedom k > 0
 * @returns in [0, 1]
 * @throws {RangeError} when an argument is outside its range
 *
 * Source: Press et al., Numerical Recipes §6.2. Checked: tests/peers/metrics against scipy.stats.chi2.sf.
 */
export function chiSquareTail(statistic: number, degreesOfFreedom: number): number {
  requireInRange("statistic", statistic, [0, Number.MAX_VALUE]);
  requireInRange("degreesOfFreedom", degreesOfFreedom, [Number.MIN_VALUE, 1e9]);
  const a = degreesOfFreedom / 2;
  const x = statistic / 2;
  if (x === 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  const tail = x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
  return Math.max(0, Math.min(1, tail));
}

/** Terms until they no longer count; about √a are needed, so the limit is never the reason to stop below a = 1e6. */
const MAX_TERMS = 10_000;

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let i = 1; i < MAX_TERMS; i++) {
    term *= x / (a + i);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return sum;
}

function upperFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let value = d;
  for (let i = 1; i < MAX_TERMS; i++) {
    const numerator = -i * (i - a);
    b += 2;
    d = numerator * d + b;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    c = b + numerator / c;
    if (Math.abs(c) < tiny) c = tiny;
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return value;
}
