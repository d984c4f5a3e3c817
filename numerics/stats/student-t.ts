import { logGamma } from "./chi-square.ts";
import { requireInRange } from "./checked-array.ts";

/**
 * Upper tail of Student's t: P(T ≥ t).
 *
 * ½ I(ν/(ν + t²); ν/2, ½) for t ≥ 0, with the regularised incomplete beta function I
 *
 * @param t                finite
 * @param degreesOfFreedom ν in (0, 1e6]
 * @returns in [0, 1]
 * @throws {RangeError} when an argument is outside its range
 *
 * Source: Press et al., Numerical Recipes §6.4. Checked: tests/peers/drift against scipy.stats.t.sf.
 */
export function studentTail(t: number, degreesOfFreedom: number): number {
  requireInRange("t", t, [-Number.MAX_VALUE, Number.MAX_VALUE]);
  requireInRange("degreesOfFreedom", degreesOfFreedom, [Number.MIN_VALUE, 1e6]);
  const half = incompleteBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5) / 2;
  return t >= 0 ? half : 1 - half;
}

/** I(x; a, b), by the continued fraction on whichever side of the mean it converges fast. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

const MAX_TERMS = 10_000;
const TINY = 1e-300;

/** Lentz's method on the even and odd terms of the fraction. */
function betaFraction(x: number, a: number, b: number): number {
  const keep = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / keep(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / keep(1 + even * d);
    c = keep(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / keep(1 + odd * d);
    c = keep(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return value;
}
