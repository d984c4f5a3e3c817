import { basename } from "node:path";
import { badFile } from "../files/bad-file.ts";
import { readHead, readTextBytes } from "../files/byte-stream.ts";
import type { LocalFile } from "../files/byte-stream.ts";
import { readRecords } from "../files/record-reader.ts";
import type { Dialect, TextRecord } from "../files/record-reader.ts";

/** The beginning of a table file, with how it is written. */
export interface FileSample {
  readonly name: string;
  readonly type: "csv" | "jsonl";
  readonly delimiter: Dialect["delimiter"];
  readonly hasHeader: boolean;
  readonly columns: readonly string[];
  /** Rows with as many fields as there are columns. */
  readonly rows: readonly (readonly string[])[];
  /** Line of each row. */
  readonly lines: readonly number[];
  readonly isWhole: boolean;
}

const MAX_ROWS = 50_000;
const MAX_CELLS = 2_000_000;
const DELIMITERS = [",", ";", "\t", "|"] as const;

/**
 * Reads the first rows of a file and finds out how it is written.
 *
 * @throws {PlatformError} bad_file: missing, empty, binary, Parquet (it carries its own schema)
 */
export async function sampleFile(file: LocalFile): Promise<FileSample> {
  const head = await readHead(file);
  if (head.isParquet)
    throw badFile(file.name, { expected: "CSV or JSON lines to profile", found: "Parquet" });
  const opening = await firstLines(file, head.isGzip);
  if (opening.length === 0) throw badFile(file.name, { expected: "rows of data", found: "blank lines only" });
  if (opening[0]?.startsWith("{") === true) return sampleJsonLines(file, head.isGzip);
  const delimiter = delimiterOf(opening);
  const bytes = readTextBytes(file, head.isGzip);
  const { records, isWhole } = await takeFields(readRecords(bytes, { name: file.name, delimiter }));
  const first = records[0]?.fields ?? [];
  const hasHeader = isHeader(
    first,
    records.slice(1, 100).map((r) => r.fields),
  );
  const columns = hasHeader ? first.map((c) => c.trim()) : first.map((_, i) => `c${i + 1}`);
  const fitting = records.slice(hasHeader ? 1 : 0).filter((r) => r.fields.length === columns.length);
  const rows = fitting.map((r) => r.fields);
  const lines = fitting.map((r) => r.line);
  if (rows.length === 0) throw badFile(file.name, { expected: "rows of data", found: "a header only" });
  return { name: file.name, type: "csv", delimiter, hasHeader, columns, rows, lines, isWhole };
}

async function firstLines(file: LocalFile, isGzip: boolean): Promise<string[]> {
  for await (const chunk of readTextBytes(file, isGzip)) {
    const text = chunk.toString("utf8", 0, Math.min(chunk.length, 1 << 16)).replace(/^\uFEFF/, "");
    const lines = text.split(/\r?\n/);
    // The last line may be cut.
    if (lines.length > 1) lines.pop();
    return lines.filter((l) => l.trim() !== "").slice(0, 50);
  }
  return [];
}

/** The delimiter that gives most lines the same number of fields, and more than one. */
function delimiterOf(lines: readonly string[]): Dialect["delimiter"] {
  let best: Dialect["delimiter"] = ",";
  let bestScore = 0;
  const consider = (delimiter: Dialect["delimiter"], counts: readonly number[]): void => {
    const first = counts[0] ?? 1;
    const share = counts.filter((n) => n === first).length / counts.length;
    const score = first > 1 && share >= 0.9 ? share * Math.log(first) : 0;
    if (score > bestScore) [best, bestScore] = [delimiter, score];
  };
  const bare = lines.map((l) => l.replaceAll(/"(?:[^"]|"")*"/g, ""));
  for (const d of DELIMITERS)
    consider(
      d,
      bare.map((l) => l.split(d).length),
    );
  const hasDelimiter = bestScore > 0;
  if (!hasDelimiter)
    consider(
      "whitespace",
      bare.map((l) => l.trim().split(/[ \t]+/).length),
    );
  // One number with blanks around it, as in a label file: whitespace trims them.
  if (bestScore === 0 && lines.every((l) => isNumber(l.trim()) && l !== l.trim())) return "whitespace";
  return best;
}

function isHeader(first: readonly string[], rest: readonly (readonly string[])[]): boolean {
  const names = first.map((c) => c.trim());
  if (names.some((c) => c === "" || isNumber(c)) || new Set(names).size !== names.length) return false;
  return (
    rest.length === 0 ||
    rest.some((row) => row.some((cell) => isNumber(cell.trim()))) ||
    names.every((c) => /^[\p{L}_]/u.test(c))
  );
}

/** Plain decimal numbers, with a decimal point or comma. */
export function isNumber(text: string): boolean {
  return /^[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?$/.test(text);
}

interface FieldsAt {
  readonly line: number;
  readonly fields: readonly string[];
}

async function takeFields(
  batches: AsyncGenerator<TextRecord[]>,
): Promise<{ records: FieldsAt[]; isWhole: boolean }> {
  const records: FieldsAt[] = [];
  let nCells = 0;
  for await (const batch of batches) {
    for (const { line, fields } of batch) {
      if (fields === undefined) continue;
      records.push({ line, fields });
      nCells += fields.length;
      if (records.length > MAX_ROWS || nCells > MAX_CELLS) return { records, isWhole: false };
    }
  }
  return { records, isWhole: true };
}

/** A member of a parsed object; nested ones count as missing here. */
type JsonCell = string | number | boolean | object | null | undefined;

async function sampleJsonLines(file: LocalFile, isGzip: boolean): Promise<FileSample> {
  const columns = new Map<string, number>();
  const objects: Record<string, JsonCell>[] = [];
  const lineOf: number[] = [];
  let isWhole = true;
  const records = readRecords(readTextBytes(file, isGzip), { name: file.name, delimiter: "whitespace" });
  for await (const batch of records) {
    for (const record of batch) {
      const value = parsedObject(record.text);
      if (value === undefined) continue;
      for (const key of Object.keys(value)) if (!columns.has(key)) columns.set(key, columns.size);
      objects.push(value);
      lineOf.push(record.line);
    }
    isWhole = objects.length <= MAX_ROWS;
    if (!isWhole) break;
  }
  if (objects.length === 0) throw badFile(file.name, { expected: "JSON lines", found: basename(file.name) });
  const names = [...columns.keys()];
  const rows = objects.slice(0, MAX_ROWS).map((o) =>
    names.map((n) => {
      const cell = Object.hasOwn(o, n) ? o[n] : null;
      return typeof cell === "object" || cell === undefined ? "" : String(cell);
    }),
  );
  const lines = lineOf.slice(0, MAX_ROWS);
  const written = { type: "jsonl", delimiter: ",", hasHeader: true } as const;
  return { name: file.name, ...written, columns: names, rows, lines, isWhole };
}

function parsedObject(text: string): Record<string, JsonCell> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, JsonCell>)
      : undefined;
  } catch {
    return undefined;
  }
}
