import { normalCdf } from "../stats/normal.ts";
import { normalQuantile } from "../stats/normal-quantile.ts";

/**
 * When an asset fails, as an answer says it: P(τ), the probability of a failure within τ from the answer on, and its inverse.
 *
 *     probability p of a failure within the horizon H     P(τ) = 1 − (1 − p)^(τ/H)
 *     remaining life r with [low, high] at level L        P(τ) = Φ((τ − r)/σ₋) for τ ≤ r, Φ((τ − r)/σ₊) beyond,
 *                                                         σ₋ = (r − low)/z, σ₊ = (high − r)/z, z = Φ⁻¹((1 + L)/2)
 *     remaining life r alone                              P(τ) = 0 for τ < r, else 1
 *
 * The first takes the hazard for constant over the horizon, and beyond it goes on with it: an answer for a horizon says
 * nothing of when in it. The second is the split normal distribution (Fechner 1897) with the answer as its median and the
 * interval as its quantiles. A negative τ has P = 0.
 */
export type FailureTime =
  | { readonly kind: "hazard"; readonly probability: number; readonly horizon: number }
  | { readonly kind: "split"; readonly median: number; readonly below: number; readonly above: number };

/** A certain failure would have an infinite hazard. */
const MOST_CERTAIN = 1 - 1e-9;

/**
 * @param probability of a failure within `horizon`, 0 … 1
 * @throws {RangeError} outside of that, or a horizon that is not positive
 */
export function withinHorizon(probability: number, horizon: number): FailureTime {
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`probability: expected 0 to 1, got ${probability}`);
  if (!(horizon > 0)) throw new RangeError(`horizon: expected more than 0, got ${horizon}`);
  return { kind: "hazard", probability: Math.min(probability, MOST_CERTAIN), horizon };
}

/**
 * @param remaining life, the median; one below 0 is 0
 * @param interval absent: the life is taken at its word
 */
export function remainingLife(
  remaining: number,
  interval?: { readonly low: number; readonly high: number; readonly level: number },
): FailureTime {
  const median = Math.max(0, remaining);
  if (interval === undefined) return { kind: "split", median, below: 0, above: 0 };
  const z = normalQuantile((1 + interval.level) / 2);
  return {
    kind: "split",
    median,
    below: Math.max(0, median - interval.low) / z,
    above: Math.max(0, interval.high - median) / z,
  };
}

/** P(τ), 0 … 1. */
export function probabilityWithin(time: FailureTime, tau: number): number {
  if (tau < 0) return 0;
  if (time.kind === "hazard") return 1 - (1 - time.probability) ** (tau / time.horizon);
  const { median, below, above } = time;
  const sigma = tau <= median ? below : above;
  if (sigma === 0) return tau < median ? 0 : tau > median ? 1 : below === 0 ? 1 : 0.5;
  return normalCdf((tau - median) / sigma);
}

/**
 * The longest time with P(τ) ≤ risk.
 *
 * @param risk 0 < risk < 1
 * @returns 0 where even now it is more; Infinity where it never is
 */
export function timeAtRisk(time: FailureTime, risk: number): number {
  if (!(risk > 0 && risk < 1)) throw new RangeError(`risk: expected between 0 and 1, got ${risk}`);
  if (time.kind === "hazard") {
    if (time.probability === 0) return Infinity;
    return (time.horizon * Math.log1p(-risk)) / Math.log1p(-time.probability);
  }
  const { median, below, above } = time;
  return Math.max(0, median + normalQuantile(risk) * (risk <= 0.5 ? below : above));
}

/** Mean remaining life that is thrown away by work at once; of a hazard it is not known, and 0. */
export function unusedLifeAt(time: FailureTime, tau: number): number {
  return time.kind === "hazard" ? 0 : Math.max(0, time.median - tau);
}
