import type { Task } from "./label.ts";
import { durationMs, spanInTimeUnits } from "./time.ts";
import type { Span } from "./time.ts";

export type ForecastTask = Extract<Task, { kind: "forecast" }>;

/** The declared horizons, nearest first. */
export function horizonsOf({ horizons }: Pick<ForecastTask, "horizons">): Span[] {
  const all = Array.isArray(horizons) ? horizons : [horizons];
  return all.toSorted((a, b) => lengthOf(a) - lengthOf(b));
}

/** The declared quantile levels, ascending. */
export function quantilesOf({ quantiles }: Pick<ForecastTask, "quantiles">): number[] {
  return quantiles.toSorted((a, b) => a - b);
}

/** One horizon in units of `__t`. */
export interface HorizonSpan {
  readonly span: number;
  /** The reading that counts is at most this far from the horizon. */
  readonly tolerance: number;
}

/** Share of a horizon that its reading may be off by where nothing is declared. */
const DEFAULT_TOLERANCE = 0.1;

/**
 * The horizons in units of the stored time, nearest first.
 *
 * @throws {RangeError} for a span that does not fit the time
 */
export function horizonSpans(
  task: Pick<ForecastTask, "horizons" | "tolerance">,
  timeKind: "cycle" | "timestamp",
): HorizonSpan[] {
  const declared = task.tolerance === undefined ? undefined : spanInTimeUnits(task.tolerance, timeKind);
  return horizonsOf(task).map((horizon) => {
    const span = spanInTimeUnits(horizon, timeKind);
    return { span, tolerance: declared ?? Math.floor(span * DEFAULT_TOLERANCE) };
  });
}

/** For comparing spans of one unit: milliseconds or a count. */
export function lengthOf(span: Span): number {
  return typeof span === "number" ? span : durationMs(span);
}
