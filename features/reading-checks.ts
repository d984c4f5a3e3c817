import type { ViewCheck } from "./feature-view.ts";
import type { LiveValue } from "./online.ts";

/** Why a reading is left out: ingest would put such a row into quarantine. */
export interface ReadingFault {
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

export interface CheckedReading {
  readonly fields: Readonly<Record<string, LiveValue>>;
  readonly index: number;
  /** Columns that some feature is computed from; others may be absent. */
  readonly needed: ReadonlySet<string>;
}

/** Warnings beyond these are counted. */
const SHOWN = 10;
const FOUND_LENGTH = 120;

/** First fault of a reading by the rules of ingest, in the order of the declaration; undefined when it is good. */
export function readingFault(
  checks: readonly ViewCheck[],
  { fields, index, needed }: CheckedReading,
): ReadingFault | undefined {
  for (const check of checks) {
    const value = Object.hasOwn(fields, check.name) ? (fields[check.name] ?? null) : null;
    const isMissing = value === null && check.isRequired === true && needed.has(check.name);
    const expected = isMissing ? "a value" : value === null ? undefined : expectedInstead(check, value);
    if (expected === undefined) continue;
    const found = value === null ? "none" : shown(value);
    return { field: `readings.${index}.${check.name}`, expected, found };
  }
  return undefined;
}

/** A line per reading that was left out, for people. */
export function leftOutWarnings(faults: readonly ReadingFault[]): string[] {
  const lines = faults
    .slice(0, SHOWN)
    .map(
      ({ field, expected, found }) =>
        `${field}: expected ${expected}, found ${found}; the reading is left out`,
    );
  const nMore = faults.length - lines.length;
  return nMore === 0 ? lines : [...lines, `readings: ${nMore} more are left out`];
}

function expectedInstead(
  { type, unit, range, values }: ViewCheck,
  value: NonNullable<LiveValue>,
): string | undefined {
  if (type === "text" || type === "timestamp") {
    if (values === undefined || values.includes(String(value))) return undefined;
    return `one of ${values.slice(0, 10).join(", ")}`;
  }
  // A text in the place of a number is refused as a whole where a feature needs it.
  if (typeof value === "string") return undefined;
  const number = Number(value);
  if (type === "boolean" && number !== 0 && number !== 1) return "true or false";
  if (type === "integer" && !Number.isSafeInteger(number)) return "a whole number";
  if (range === undefined || (number >= range[0] && number <= range[1])) return undefined;
  return `${range[0]} to ${range[1]}${unit === undefined ? "" : ` ${unit}`}`;
}

/** A value as a message names it. */
export function shown(value: NonNullable<LiveValue>): string {
  return typeof value === "string" ? `'${value.slice(0, FOUND_LENGTH)}'` : String(value);
}
