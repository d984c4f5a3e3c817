import { z } from "zod";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** Duration text such as `90s`, `15m`, `72h`, `7d`, `2w`: a number and one of ms, s, m, h, d, w. */
export const durationSchema = z.string().regex(DURATION, "expected a duration such as 30m, 72h or 7d");

/** Faster ones no check, and no retrain, would keep up with. */
const SHORTEST_PERIOD_MS = 1_000;

/** A duration after which something is done again, or that is looked at together. */
export const periodSchema = durationSchema.refine(
  (text) => !DURATION.test(text) || durationMs(text) >= SHORTEST_PERIOD_MS,
  "expected at least 1s",
);

/**
 * A span of an asset's time: a duration text where time is a timestamp, a whole number of cycles
 * (or of readings, for row windows) where it is an integer.
 */
export const spanSchema = z.union([z.int().positive(), durationSchema]);
export type Span = z.infer<typeof spanSchema>;

/** A span in words, e.g. `48h` or `30 cycles`. */
export const spanText = (span: Span): string => (typeof span === "number" ? `${span} cycles` : span);

/**
 * Milliseconds of a duration text.
 * @throws {RangeError} when the text is no duration
 */
export function durationMs(text: string): number {
  const match = DURATION.exec(text);
  const [, amount, unit] = match ?? [];
  const unitMs = unit === undefined ? undefined : UNIT_MS[unit];
  if (amount === undefined || unitMs === undefined)
    throw new RangeError(`duration: expected e.g. 72h, got ${text}`);
  return Number(amount) * unitMs;
}

const HOUR_MS = 3_600_000;

/**
 * A remaining life in its own unit: hours where time is a timestamp, cycles where it is a cycle.
 *
 * @param life a number in that unit, or a duration such as `30d`
 * @throws {RangeError} when a duration is used without timestamps, or is 0
 */
export function lifeInUnits(life: number | string, timeKind: "cycle" | "timestamp" | "none"): number {
  if (typeof life === "number") return life;
  if (timeKind !== "timestamp")
    throw new RangeError(`life: expected a number of cycles, got the duration ${life}`);
  const hours = durationMs(life) / HOUR_MS;
  if (!(hours > 0)) throw new RangeError(`life: expected a duration above 0, got ${life}`);
  return hours;
}

/**
 * A span in the unit of the stored time column `__t`: microseconds for timestamps, cycles for cycles.
 * @throws {RangeError} when a duration is used with cycle time or a bare number with timestamps
 */
export function spanInTimeUnits(span: Span, timeKind: "cycle" | "timestamp"): number {
  if (typeof span === "number") {
    if (timeKind === "cycle") return span;
    throw new RangeError(
      `span: expected a duration such as 72h for timestamp data, got the bare number ${span}`,
    );
  }
  if (timeKind === "timestamp") return durationMs(span) * 1000;
  throw new RangeError(`span: expected a whole number of cycles, got the duration ${span}`);
}
