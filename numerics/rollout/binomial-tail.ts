import { requireInRange, requireInteger } from "../stats/checked-array.ts";

/** Terms this small beside the sum no longer count. */
const NEGLIGIBLE = 1e-17;

/**
 * Upper tail of the binomial law: P(K ≥ k) for K of n draws that each succeed with chance p.
 *
 * P = Σ_{j=k}^{n} C(n, j) pʲ (1 − p)ⁿ⁻ʲ,  w(j + 1)/w(j) = (n − j) p / ((j + 1)(1 − p))
 *
 * Above the mean the terms fall, so the sum is short; below it the tail is one minus the other side.
 *
 * @param k 0…n
 * @param n ≥ 0, whole
 * @param p in [0, 1]
 * @returns in [0, 1]
 * @throws {RangeError} when an argument is outside its range
 *
 * Cost: O(√n) terms. Checked: against sums of exact terms in binomial-tail.test.ts.
 */
export function binomialTail(k: number, n: number, p: number): number {
  requireInteger("n", n, [0, 1e12]);
  requireInteger("k", k, [0, n]);
  requireInRange("p", p, [0, 1]);
  if (k === 0) return 1;
  if (p === 0) return 0;
  if (p === 1) return 1;
  return k > n * p ? sumFrom(k, { n, p, step: 1 }) : Math.max(0, 1 - sumFrom(k - 1, { n, p, step: -1 }));
}

/** Σ of the terms from `first` away from the mean. */
function sumFrom(
  first: number,
  { n, p, step }: { readonly n: number; readonly p: number; readonly step: 1 | -1 },
): number {
  const log = logChoose(n, first) + first * Math.log(p) + (n - first) * Math.log1p(-p);
  let weight = Math.exp(log);
  let sum = 0;
  for (let j = first; j >= 0 && j <= n && weight > NEGLIGIBLE * sum; j += step) {
    sum += weight;
    const odds = p / (1 - p);
    weight *= step === 1 ? ((n - j) / (j + 1)) * odds : j / (n - j + 1) / odds;
  }
  return Math.min(1, sum);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** log n!, by Stirling's series above 20, where its error is below 1e-15 of the value. */
function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  const inverse = 1 / (x * x);
  const series = (1 / 12 - (1 / 360 - inverse / 1260) * inverse) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
