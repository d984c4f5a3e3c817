import { findMetric } from "../metrics/metric-table.ts";

/** What is asked of a realized metric. */
export interface DegradationQuestion {
  readonly metric: string;
  /** Of the holdout of the version. */
  readonly baseline: number;
  /** 0.1: up to 10 % worse than the baseline is not told. */
  readonly tolerance: number;
  /** Of realized rows, 95 %. */
  readonly interval: readonly [low: number, high: number];
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
}: Omit<DegradationQuestion, "interval">): number {
  const allowed = tolerance * Math.abs(baseline);
  return findMetric(metric).direction === "lower" ? baseline + allowed : baseline - allowed;
}

/**
 * Whether a realized metric is worse than its baseline by more than the tolerance: its whole interval is. A value beyond the limit
 * whose interval reaches back over it may be chance, and is not told.
 */
export function isDegraded(question: DegradationQuestion): boolean {
  const [low, high] = question.interval;
  const limit = degradationLimit(question);
  return findMetric(question.metric).direction === "lower" ? low > limit : high < limit;
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
