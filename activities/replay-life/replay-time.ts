import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** The two kinds of time that a fleet may share. */
export type ReplayTimeKind = "timestamp" | "cycle";

const MICROS_PER_MS = 1_000;

/** A moment of the data as text: ISO 8601, or the cycle. */
export function momentText(t: number, kind: ReplayTimeKind): string {
  if (kind === "cycle") return String(t);
  return new Date(Math.floor(t / MICROS_PER_MS)).toISOString();
}

/** A span of the data as text: the largest unit that divides it, or the number of cycles. */
export function spanText(span: number, kind: ReplayTimeKind): string {
  if (kind === "cycle") return String(span);
  const ms = span / MICROS_PER_MS;
  for (const [unit, unitMs] of [
    ["w", 604_800_000],
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const)
    if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  return `${ms}ms`;
}

/**
 * A span in units of the stored time.
 *
 * @throws {PlatformError} invalid_body: a duration for cycles, or a bare number for timestamps (0 is the same in both)
 */
export function spanOf(text: string, kind: ReplayTimeKind, field: string): number {
  const isNumber = /^\d+(\.\d+)?$/.test(text);
  if (isNumber && Number(text) === 0) return 0;
  if (kind === "cycle" && isNumber && Number.isInteger(Number(text))) return Number(text);
  if (kind === "timestamp" && !isNumber) return Math.round(durationMs(text) * MICROS_PER_MS);
  const expected = kind === "cycle" ? "a whole number of cycles, such as 50" : "a duration such as 7d";
  throw refused(field, expected, text);
}

/**
 * A moment in units of the stored time: a share of the time span (`40%`), ISO 8601, or a cycle.
 *
 * @throws {PlatformError} invalid_body
 */
export function momentOf(
  text: string,
  span: { readonly begin: number; readonly end: number; readonly kind: ReplayTimeKind },
  field: string,
): number {
  const { begin, end, kind } = span;
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1];
  if (share !== undefined) return begin + (Number(share) / 100) * (end - begin);
  const t = kind === "cycle" ? cycleOf(text) : Date.parse(text) * MICROS_PER_MS;
  if (Number.isFinite(t)) return t;
  const moment = kind === "cycle" ? "a cycle" : "a time in ISO 8601";
  throw refused(field, `a share such as 40%, or ${moment}`, text);
}

const cycleOf = (text: string): number => (/^-?\d+$/.test(text) ? Number(text) : Number.NaN);

export function refused(field: string, expected: string, found: string): PlatformError {
  return new PlatformError("invalid_body", `replay-life [${field}]: expected ${expected}, found ${found}`, {
    locations: [{ field, expected, found }],
  });
}
