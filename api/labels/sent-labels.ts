import { z } from "zod";
import { parseStrictJson } from "../../schemas/json/strict-json.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { labelColumns, labelOfCells } from "../../schemas/serving/label-table.ts";
import { csvRows } from "../../schemas/text/csv-rows.ts";
import { readPackedBody } from "../http/body.ts";
import type { ApiContext } from "../http/context.ts";
import { headerOf } from "../http/headers.ts";
import { invalidInput } from "../http/on-error.ts";
import { parquetLabels } from "./parquet-labels.ts";

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";
const CSV_TYPE = "text/csv";
const PARQUET_TYPE = "application/vnd.apache.parquet";
export const LABEL_TYPES = [JSON_TYPE, LINES_TYPE, CSV_TYPE, PARQUET_TYPE] as const;

/** Of texts: reading one holds the thread that also answers predictions. */
const TEXT_BYTES = 4 * 2 ** 20;
const PARQUET_BYTES = 32 * 2 ** 20;
export const MAX_LABELS = 10_000;
const MAX_CONTAINERS = 2 * MAX_LABELS;
const MAX_LINE_CONTAINERS = 8;

const bodySchema = z.strictObject({ labels: z.array(z.unknown()).min(1).max(MAX_LABELS) });

/**
 * Labels as a request brings them, a part at a time; each is checked by itself later. What is no label at all stands among them as
 * it is.
 *
 * @throws {PlatformError} invalid_json, invalid_body, bad_file, body_too_large, unsupported_media_type: nothing of the body is taken
 */
export async function* readSentLabels(c: ApiContext, scratchDir: string): AsyncGenerator<readonly unknown[]> {
  const type = (headerOf(c, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  const bytes = await readPackedBody(c, type === PARQUET_TYPE ? PARQUET_BYTES : TEXT_BYTES, () => undefined);
  if (type === PARQUET_TYPE) yield* parquetLabels(bytes, scratchDir);
  else if (type === CSV_TYPE) yield ofCsv(bytes);
  else if (type === LINES_TYPE) yield ofLines(bytes);
  else yield ofJson(bytes);
}

function ofJson(bytes: Uint8Array): readonly unknown[] {
  const parsed = bodySchema.safeParse(parseStrictJson(bytes, MAX_CONTAINERS));
  if (!parsed.success) throw invalidInput("invalid_body", "read labels", parsed.error);
  return parsed.data.labels;
}

/** A line that is no JSON is one bad label, not a bad body. */
function ofLines(bytes: Uint8Array): readonly unknown[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return checkNumber(lines.length, () =>
    lines.map((line) => {
      try {
        return parseStrictJson(Buffer.from(line), MAX_LINE_CONTAINERS);
      } catch {
        return line;
      }
    }),
  );
}

function ofCsv(bytes: Uint8Array): readonly unknown[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  try {
    const [head, ...rows] = csvRows(text);
    const members = labelColumns(head?.cells ?? []);
    return checkNumber(rows.length, () => rows.map(({ cells }) => labelOfCells(members, cells)));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new PlatformError("bad_file", `read labels: ${cause.message}`, { cause });
  }
}

function checkNumber<T>(n: number, read: () => readonly T[]): readonly T[] {
  if (n >= 1 && n <= MAX_LABELS) return read();
  const got = n === 0 ? "none" : String(n);
  throw new PlatformError("invalid_body", `read labels: expected 1 to ${MAX_LABELS}, got ${got}`);
}
