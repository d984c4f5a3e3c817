/**
 * The checks of one reading as it comes over the wire: who, when, what. Pure; whether the asset is known is asked
 * afterwards, for all readings at once.
 */
import type { IntakeCode } from "../schemas/live/intake.ts";
import { spanMs } from "../schemas/live/source.ts";
import type { LiveSource } from "../schemas/live/source.ts";
import { isNoSuchTime, parseIsoMicros } from "../schemas/text/iso-time.ts";
import { parseStrictJson } from "../schemas/json/strict-json.ts";
import { isPlatformError } from "../schemas/platform-error.ts";
import type { Column } from "../schemas/pipeline/source.ts";

/** A reading that is as declared. */
export interface CheckedReading {
  /** Exactly one of the two is there. */
  readonly asset: string | undefined;
  readonly device: string | undefined;
  readonly epoch: number;
  /** Microseconds since 1970, or the cycle. */
  readonly ts: number;
  readonly seq: number;
  /** In the order of the columns; NaN = missing. */
  readonly values: readonly number[];
}

/** Why it is not. */
export interface ReadingFault {
  readonly code: IntakeCode;
  readonly message: string;
}

/** Fields of a reading beside its values. */
const FIELDS: ReadonlySet<string> = new Set(["asset", "device", "time", "epoch", "seq", "values"]);
const MICROS = { s: 1_000_000, ms: 1_000, us: 1 } as const;
const UNIT_NAMES = { s: "seconds", ms: "milliseconds", us: "microseconds" } as const;
const BEYOND_EXACT = ` within ±${Number.MAX_SAFE_INTEGER}: one beyond is not exact`;
/** A longer text is not read again for the place where it ceases to be JSON. */
const MAX_EXPLAINED = 65_536;
const MAX_INT4 = 2 ** 31 - 1;
const MAX_ID_BYTES = 128;

/**
 * @param nowMs the present, in ms since 1970
 * @returns a fault for the first thing that is not as declared
 */
export type ReadingCheck = (reading: unknown, nowMs: number) => CheckedReading | ReadingFault;

/** True of what a check did not accept. */
export function isFault(checked: CheckedReading | ReadingFault): checked is ReadingFault {
  return "code" in checked;
}

/** The checks of a source, prepared once. */
export function createReadingCheck(source: LiveSource): ReadingCheck {
  const places = new Map(source.columns.map(({ name }, place) => [name, place]));
  const converters = source.columns.map((column) => converterOf(column, source.pii.includes(column.name)));
  const required = source.columns.flatMap(({ nullable }, place) => (nullable ? [] : [place]));
  const timeOf = timeReader(source);
  // Copied for each reading: a third of the time that filling a new one takes.
  const missing = source.columns.map(() => NaN);
  const noValues = fault(
    "no_values",
    `values: expected at least one of ${someOf(source.columns.map(({ name }) => name))}`,
  );
  const isIgnoring = source.unknownColumns === "ignore";
  return (reading, nowMs) => {
    if (typeof reading !== "object" || reading === null || Array.isArray(reading))
      return fault(
        "not_a_reading",
        `expected an object with asset or device, time and values${foundInstead(reading)}`,
      );
    const row = reading as Record<string, unknown>;
    for (const key in row) {
      if (!FIELDS.has(key))
        return fault("not_a_reading", `${quoted(key)}: expected one of ${[...FIELDS].join(", ")}`);
    }
    const { asset, device } = row;
    const id = idOf(asset ?? device);
    if (id === undefined || (asset === undefined) === (device === undefined)) return badAsset(row);
    const ts = timeOf(row["time"], nowMs);
    if (typeof ts !== "number") return ts;
    const epoch = wholeNumber(row["epoch"]);
    const seq = wholeNumber(row["seq"]);
    if (epoch === undefined || seq === undefined)
      return fault("bad_sequence", `${epoch === undefined ? "epoch" : "seq"}: expected 0 to ${MAX_INT4}`);
    const given = row["values"];
    if (typeof given !== "object" || given === null || Array.isArray(given))
      return fault("not_a_reading", "values: expected an object of columns and their values");
    const values = missing.slice();
    let isNamed = false;
    for (const name in given) {
      const place = places.get(name);
      if (place === undefined) {
        if (isIgnoring) continue;
        return fault("unknown_column", `${quoted(name)}: there is no such column`);
      }
      isNamed = true;
      const value = (given as Record<string, unknown>)[name];
      if (value === null) continue;
      const converted = (converters[place] as Converter)(value);
      if (typeof converted !== "number") return converted;
      values[place] = converted;
    }
    for (const place of required) {
      if (Number.isNaN(values[place]))
        return fault("missing_required", `${source.columns[place]?.name}: expected a value`);
    }
    if (!isNamed) return noValues;
    return {
      asset: asset === undefined ? undefined : id,
      device: asset === undefined ? id : undefined,
      epoch,
      ts,
      seq,
      values,
    };
  };
}

type Converter = (value: unknown) => number | ReadingFault;

/** An id as it is stored; undefined for what is none. A counter is as good an id as a name. */
function idOf(id: unknown): string | undefined {
  if (typeof id === "string") return isId(id) ? id : undefined;
  return Number.isSafeInteger(id) ? String(id) : undefined;
}

function badAsset({ asset, device }: Readonly<Record<string, unknown>>): ReadingFault {
  if ((asset === undefined) === (device === undefined))
    return fault("bad_asset", "expected either asset or device");
  return fault("bad_asset", "expected an id of 1 to 128 bytes of UTF-8 without NUL");
}

/** No character has more bytes in UTF-8 for each of its two halves. */
const MOST_BYTES = 3;

function isId(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > MAX_ID_BYTES) return false;
  const isShort = length * MOST_BYTES <= MAX_ID_BYTES || Buffer.byteLength(text, "utf8") <= MAX_ID_BYTES;
  return isShort && !text.includes("\0") && text.isWellFormed();
}

function timeReader({ time }: LiveSource): (value: unknown, nowMs: number) => number | ReadingFault {
  if (time.kind === "cycle")
    return (value) =>
      Number.isSafeInteger(value)
        ? (value as number)
        : fault("bad_time", "time: expected a whole cycle number");
  const { epochUnit } = time;
  const [ahead, behind] = [spanMs(time.ahead), spanMs(time.behind)];
  const expected =
    epochUnit === undefined
      ? "ISO 8601 with an offset, such as 2026-04-05T10:00:00Z"
      : `a number of ${epochUnit} since 1970, or ISO 8601 with an offset`;
  return (value, nowMs) => {
    let ts: number | undefined;
    // Microseconds, from a format with times of its own.
    if (typeof value === "bigint") ts = Number(value);
    else if (typeof value === "string") ts = parseIsoMicros(value, () => undefined);
    else if (typeof value === "number" && epochUnit !== undefined) ts = Math.round(value * MICROS[epochUnit]);
    const isPlausible = (micros: number) =>
      nowMs - micros / 1_000 >= -ahead && nowMs - micros / 1_000 <= behind;
    const refuse = (code: "bad_time" | "future_time" | "old_time", what: string): ReadingFault =>
      fault(code, `time: ${what}${epochUnit === undefined ? "" : otherUnit(value, epochUnit, isPlausible)}`);
    if (typeof value === "string" && isNoSuchTime(value))
      return fault("bad_time", "time: there is no such date or time");
    if (ts === undefined || !Number.isSafeInteger(ts)) return refuse("bad_time", `expected ${expected}`);
    const ageMs = nowMs - ts / 1_000;
    if (ageMs < -ahead) return refuse("future_time", `expected at most ${time.ahead} ahead of now`);
    if (ageMs > behind) return refuse("old_time", `expected at most ${time.behind} before now`);
    return ts;
  };
}

/** Says in which unit a number would be a time that is taken. */
function otherUnit(
  value: unknown,
  epochUnit: keyof typeof MICROS,
  isPlausible: (micros: number) => boolean,
): string {
  if (typeof value !== "number") return "";
  for (const [unit, name] of Object.entries(UNIT_NAMES) as [keyof typeof MICROS, string][])
    if (unit !== epochUnit && isPlausible(value * MICROS[unit]))
      return `, in ${UNIT_NAMES[epochUnit]} since 1970; found a number that would be one in ${name}: ${name}?`;
  return "";
}

/** 0 where nothing is said; undefined for what is no such number. */
function wholeNumber(value: unknown): number | undefined {
  if (value === undefined) return 0;
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_INT4
    ? (value as number)
    : undefined;
}

/** As ingest reads the cells of files, but for texts: over the wire a number is a number. */
function converterOf(column: Column, isPersonal: boolean): Converter {
  switch (column.type) {
    case "float":
    case "integer":
      return numberConverter(column, isPersonal);
    case "boolean":
      return (value) => {
        if (value === true || value === 1) return 1;
        if (value === false || value === 0) return 0;
        return fault("unknown_value", `${column.name}: expected true or false`);
      };
    case "text": {
      const codes = new Map((column.values ?? []).map((word, code) => [word, code]));
      const expected = `one of ${someOf(column.values ?? [])}`;
      return (value) =>
        (typeof value === "string" ? codes.get(value) : undefined) ??
        fault("unknown_value", `${column.name}: expected ${expected}`);
    }
    case "timestamp":
      return (value) =>
        (typeof value === "bigint" ? Number(value) : undefined) ??
        (typeof value === "string" ? parseIsoMicros(value, () => undefined) : undefined) ??
        fault("bad_time", `${column.name}: expected ISO 8601 with an offset`);
  }
}

function numberConverter({ name, type, range, unit }: Column, isPersonal: boolean): Converter {
  const [lo, hi] = range ?? [-Infinity, Infinity];
  const what = type === "integer" ? "a whole number" : "a number";
  const within = `${name}: expected ${lo} to ${hi}${unit === undefined ? "" : ` ${unit}`}`;
  return (value) => {
    if (typeof value !== "number") return fault("not_a_number", `${name}: expected ${what}`);
    if (!Number.isFinite(value)) return fault("not_finite", `${name}: expected a finite number`);
    if (type === "integer" && !Number.isSafeInteger(value))
      return fault(
        "not_a_number",
        `${name}: expected a whole number${Number.isInteger(value) ? BEYOND_EXACT : ""}`,
      );
    // A letter's message is shown to whoever may see it, and what is personal is not.
    if (value < lo || value > hi)
      return fault("out_of_range", isPersonal ? within : `${within}, found ${value}`);
    return value;
  };
}

/** A line or a message that is no JSON comes as text: where it ceases to be. */
function foundInstead(reading: unknown): string {
  if (typeof reading !== "string" || reading.length > MAX_EXPLAINED) return "";
  try {
    parseStrictJson(Buffer.from(reading));
    return ", found text";
  } catch (error) {
    if (!isPlatformError(error)) throw error;
    return `, found text that is not JSON ${error.message.replace(/^read JSON /, "")}`;
  }
}

const someOf = (names: readonly string[]): string =>
  names.slice(0, 10).join(", ") + (names.length > 10 ? ", …" : "");

/** What was sent may be long, or made to be quoted. */
const quoted = (text: string): string => JSON.stringify(text.slice(0, 64));

function fault(code: IntakeCode, message: string): ReadingFault {
  return { code, message };
}
