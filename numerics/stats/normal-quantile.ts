/**
 * z with Φ(z) = p.
 *
 * @param p 0 < p < 1
 * @throws {RangeError} outside of that
 *
 * Relative error below 1.2e-9. Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution
 * function" (2003): a rational fit in the middle and one in √(−2 ln p) in the tails.
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`p: expected between 0 and 1, got ${p}`);
  if (p < TAIL) return inTail(p);
  if (p > 1 - TAIL) return -inTail(1 - p);
  const q = p - 0.5;
  const r = q * q;
  return (q * horner(MIDDLE_ABOVE, r)) / (horner(MIDDLE_BELOW, r) * r + 1);
}

const TAIL = 0.02425;

function inTail(p: number): number {
  const q = Math.sqrt(-2 * Math.log(p));
  return horner(TAIL_ABOVE, q) / (horner(TAIL_BELOW, q) * q + 1);
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}

const MIDDLE_ABOVE = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
  2.506628277459239,
];
const MIDDLE_BELOW = [
  -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1,
];
const TAIL_ABOVE = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const TAIL_BELOW = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
