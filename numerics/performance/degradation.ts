import { findMetric } from "../metrics/metric-table.ts";

/** A figure with its 95 % interval. */
export interface MeasuredValue {
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

/** What is asked of a realized metric. */
export interface DegradationQuestion {
  readonly metric: string;
  /** Of the holdout of the version; without an interval it is taken as exact. */
  readonly baseline: { readonly value: number; readonly interval?: readonly [low: number, high: number] };
  /** 0.1: up to 10 % worse than the baseline is not told. */
  readonly tolerance: number;
  readonly realized: MeasuredValue;
}

/**
 * The value from which a metric is worse than its baseline by the tolerance.
 *
 *   lower is better: b + X |b|;  higher is better: b − X |b|
 */
export function degradationLimit({
  metric,
  baseline,
  tolerance,
}: {
  readonly metric: string;
  readonly baseline: number;
  readonly tolerance: number;
}): number {
  const allowed = tolerance * Math.abs(baseline);
  return findMetric(metric).direction === "lower" ? baseline + allowed : baseline - allowed;
}

/**
 * Whether a realized metric is worse than its baseline by more than the tolerance, beyond the chance of both: with c b the limit and
 * both intervals the whole interval of r − c b lies on the worse side.
 *
 *   lower is better:  (r − c b) − √((r − l)² + c²(b_u − b)²) > 0, l the realized low end, b_u the baseline's high one
 *   higher is better: (r − c b) + √((u − r)² + c²(b − b_l)²) < 0
 *
 * So it is never told where the realized interval alone reaches over the limit, and of a small holdout only what is far beyond.
 * Source: Zou & Donner 2008, doi:10.1002/sim.3095 (method of variance estimates recovery), rows of both sides apart.
 */
export function isDegraded({ metric, baseline, tolerance, realized }: DegradationQuestion): boolean {
  const isLower = findMetric(metric).direction === "lower";
  const { value, interval = [value, value] } = baseline;
  const limit = degradationLimit({ metric, tolerance, baseline: value });
  const ratio = value === 0 ? 1 : limit / value;
  const [low, high] = realized.interval;
  const ownSide = isLower ? realized.value - low : high - realized.value;
  // A limit of the other sign than its baseline turns the baseline's ends around.
  const isHighEnd = isLower === ratio >= 0;
  const otherSide = ratio * (isHighEnd ? interval[1] - value : value - interval[0]);
  const reach = Math.hypot(ownSide, otherSide);
  const difference = realized.value - limit;
  return isLower ? difference - reach > 0 : difference + reach < 0;
}

export interface DegradationConfirmation {
  /** "suspected": this check says degraded, and not yet enough before it. */
  readonly stage: "none" | "suspected" | "confirmed";
  /** Checks in a row that say so, this one among them. */
  readonly checks: number;
}

/**
 * Degradation that checks in a row agree on; one without a verdict starts the count anew.
 *
 * @param states this check's first, then those before it of the same version, newest first
 */
export function confirmDegradation(
  states: readonly string[],
  confirmations: number,
): DegradationConfirmation {
  const other = states.findIndex((state) => state !== "degraded");
  const checks = other < 0 ? states.length : other;
  if (checks === 0) return { stage: "none", checks };
  return { stage: checks >= confirmations ? "confirmed" : "suspected", checks };
}
