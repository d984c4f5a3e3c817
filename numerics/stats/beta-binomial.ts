import { requireInRange, requireInteger } from "./checked-array.ts";

/** Weights this small beside the largest no longer count. */
const NEGLIGIBLE = 1e-18;

/**
 * Upper tail of the beta-binomial law: P(K ≥ k) where K of n draws succeed with a chance that is Beta(a, b).
 *
 * w(k) = C(n, k) B(k + a, n − k + b),  w(k + 1)/w(k) = (n − k)(k + a) / ((k + 1)(n − k − 1 + b))
 *
 * Weights are walked from the largest outward and normalised by their own sum, so that no gamma function takes digits.
 *
 * @param k  1…n counts something; 0 gives 1
 * @param law draws n ≥ 0, whole; a, b > 0
 * @returns in [0, 1]
 * @throws {RangeError} when an argument is outside its range
 *
 * Cost: O(number of outcomes that are not negligible), at most n. Source: Skellam 1948.
 * Checked: tests/peers/drift against sums of scipy.stats.betabinom.pmf.
 */
export function betaBinomialTail(
  k: number,
  { n, a, b }: { readonly n: number; readonly a: number; readonly b: number },
): number {
  requireInteger("n", n, [0, 1e9]);
  requireInteger("k", k, [0, n]);
  requireInRange("a", a, [Number.MIN_VALUE, 1e12]);
  requireInRange("b", b, [Number.MIN_VALUE, 1e12]);
  if (k === 0) return 1;
  const start = Math.min(n, Math.max(0, modeOf(n, a, b)));
  let inside = 0;
  let below = 0;
  const add = (at: number, weight: number): void => {
    if (at >= k) inside += weight;
    else below += weight;
  };
  add(start, 1);
  for (let at = start, weight = 1; at < n; at++) {
    weight *= ((n - at) * (at + a)) / ((at + 1) * (n - at - 1 + b));
    // Below k even a small weight may be much beside the tail.
    if (weight < NEGLIGIBLE && at >= k && weight < NEGLIGIBLE * inside) break;
    if (weight === 0) break;
    add(at + 1, weight);
  }
  for (let at = start, weight = 1; at > 0; at--) {
    weight *= (at * (n - at + b)) / ((n - at + 1) * (at - 1 + a));
    if (weight < NEGLIGIBLE) break;
    add(at - 1, weight);
  }
  return Math.min(1, inside / (inside + below));
}

/** Where the weights are largest, or an end of the range where they fall to the middle. */
function modeOf(n: number, a: number, b: number): number {
  if (a <= 1 || b <= 1) return a <= b ? 0 : n;
  return Math.floor(((n + 1) * (a - 1)) / (a + b - 2));
}
