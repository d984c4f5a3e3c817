import { types } from "pg";
import type { CustomTypesConfig } from "pg";

const parsers = new Map<number, (text: string) => unknown>([
  [types.builtins.INT8, safeInteger],
  [types.builtins.TIMESTAMPTZ, isoTime],
]);

/** int8 as a number, timestamptz as ISO 8601 text in UTC with milliseconds; everything else as `pg` does. */
export const rowTypes: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    (format === "binary" ? undefined : parsers.get(oid)) ?? types.getTypeParser(oid, format ?? "text"),
};

/** @throws {RangeError} beyond 2^53: columns that may hold such values are read as text */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8: expected a safe integer, got ${text}`);
  return value;
}

function isoTime(text: string): string {
  return new Date(text).toISOString();
}

/**
 * A document as a parameter of a `json` column. Written with `JSON.stringify`, so member order is kept.
 *
 * @throws {RangeError} for NaN and infinities, which JSON would turn into null unseen
 */
export function json(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => {
    if (typeof member === "number" && !Number.isFinite(member)) {
      throw new RangeError(`json [${key}]: number must be finite, got ${member}`);
    }
    return typeof member === "bigint" ? member.toString() : member;
  });
}

/** Text PostgreSQL can hold: NUL and lone surrogates become U+FFFD. For free text only, never for ids. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}
