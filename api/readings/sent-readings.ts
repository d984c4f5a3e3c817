import { z } from "zod";
import { nameSchema } from "../../schemas/names.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { readPackedBody } from "../http/body.ts";
import type { ApiContext } from "../http/context.ts";
import { headerOf } from "../http/headers.ts";
import { invalidInput } from "../http/on-error.ts";
import { parseStrictJson } from "../../schemas/json/strict-json.ts";
import { ARROW_STREAM } from "../arrow/open-table.ts";
import type { BodyShare } from "./body-budget.ts";
import { readArrowReadings } from "./arrow-readings.ts";

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";
export const READING_TYPES = [JSON_TYPE, LINES_TYPE, ARROW_STREAM] as const;

/** Whole bodies lie in memory while they wait. */
const MAX_BODY_BYTES = 16 * 2 ** 20;
/** Of JSON; a body of so many takes the thread that also answers predictions a few dozen milliseconds. */
const MAX_READINGS = 10_000;
/** Objects and lists of a body, and of a line: a reading has two. */
const MAX_CONTAINERS = 4 * MAX_READINGS;
const MAX_LINE_CONTAINERS = 64;
const NEWLINE = 0x0a;

const bodySchema = z.strictObject({
  source: nameSchema.optional(),
  readings: z.array(z.unknown()),
});

/** Readings as a request brought them; each is checked by the source's declaration. */
export interface SentReadings {
  readonly source: string;
  readonly readings: readonly unknown[];
}

/**
 * @param source what the query names
 * @param share  of the bytes that may be in work
 * @throws {PlatformError} too_many_readings, invalid_json, invalid_body, body_too_large, unsupported_media_type: nothing of the body is taken
 */
export async function readSentReadings(
  c: ApiContext,
  source: string | undefined,
  share: BodyShare,
): Promise<SentReadings> {
  const announced = Number(headerOf(c, "content-length") ?? 0);
  // Before the first byte, where it is plain that they will not fit.
  if (announced <= MAX_BODY_BYTES) share.requireRoom(announced);
  const bytes = await readPackedBody(c, MAX_BODY_BYTES, share.take);
  const type = (headerOf(c, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type === JSON_TYPE) return ofJson(bytes, source);
  const name = named(source);
  return { source: name, readings: type === LINES_TYPE ? ofLines(bytes) : readArrowReadings(bytes) };
}

function ofJson(bytes: Uint8Array, source: string | undefined): SentReadings {
  const parsed = bodySchema.safeParse(parseStrictJson(bytes, MAX_CONTAINERS));
  if (!parsed.success) throw invalidInput("invalid_body", "read readings", parsed.error);
  const { readings } = parsed.data;
  if (parsed.data.source !== undefined && source !== undefined && parsed.data.source !== source)
    throw new PlatformError("invalid_body", `read readings [source]: expected ${source}, as the query says`);
  return { source: named(parsed.data.source ?? source), readings: checkNumber(readings) };
}

/** A line that is no JSON is one bad reading, not a bad body. */
function ofLines(bytes: Uint8Array): readonly unknown[] {
  const readings: unknown[] = [];
  for (let begin = 0; begin < bytes.length;) {
    const found = bytes.indexOf(NEWLINE, begin);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(begin, end);
    begin = end + 1;
    if (isBlank(line)) continue;
    readings.push(lineOf(line));
    if (readings.length > MAX_READINGS) break;
  }
  return checkNumber(readings);
}

function lineOf(line: Uint8Array): unknown {
  try {
    return parseStrictJson(line, MAX_LINE_CONTAINERS);
  } catch {
    return Buffer.from(line).toString("utf8");
  }
}

const isBlank = (line: Uint8Array): boolean =>
  line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);

function checkNumber(readings: readonly unknown[]): readonly unknown[] {
  if (readings.length >= 1 && readings.length <= MAX_READINGS) return readings;
  const got = readings.length === 0 ? "none" : `more than ${MAX_READINGS}`;
  throw new PlatformError("invalid_body", `read readings: expected 1 to ${MAX_READINGS}, got ${got}`);
}

function named(source: string | undefined): string {
  if (source !== undefined) return source;
  throw new PlatformError(
    "invalid_query",
    "read readings [source]: expected the name of a source, got nothing",
  );
}
