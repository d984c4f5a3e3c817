import { isPlatformError, PlatformError } from "../../../schemas/platform-error.ts";
import { readBytes, readHead, readTextBytes } from "../../files/byte-stream.ts";
import type { LocalFile } from "../../files/byte-stream.ts";
import { readRecords } from "../../files/record-reader.ts";
import type { Dialect } from "../../files/record-reader.ts";
import type { StreamMessage, StreamPolicy } from "../stream.ts";
import { readLines } from "./text-lines.ts";

export type FileFormat = "jsonl" | "csv" | "parquet";

export interface FileToRead {
  readonly path: string;
  readonly name: string;
  readonly format: FileFormat;
  /** Rows that were read before. */
  readonly from: number;
}

const PARQUET_ROWS = 5_000;
const DELIMITERS = [",", ";", "\t", "|"] as const;

/** Format by the end of a name, `.gz` left out; undefined: it is none of ours. */
export function formatOf(name: string): FileFormat | undefined {
  const end = /\.([a-z]+)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  if (end === "jsonl" || end === "ndjson") return "jsonl";
  return end === "csv" || end === "parquet" ? end : undefined;
}

/**
 * Rows of a file as messages, in groups of a bounded size.
 *
 * A file that cannot be read to its end gives what it has and then one message that says why: it is set aside like a bad
 * reading, where people look for what is missing, and the next file is read.
 */
export async function* readFileRows(
  file: FileToRead,
  policy: Pick<StreamPolicy, "readParquet">,
): AsyncGenerator<StreamMessage[]> {
  try {
    if (file.format === "parquet") yield* parquetRows(file, policy);
    else yield* withoutFirst(file.format === "csv" ? csvRows(file) : jsonRows(file), file.from);
  } catch (error) {
    if (!isPlatformError(error) || error.isRetryable) throw error;
    yield [{ body: `the file cannot be read on: ${error.message}`, file: file.name }];
  }
}

async function* jsonRows({ path, name }: FileToRead): AsyncGenerator<StreamMessage[]> {
  const file = { name, localPath: path };
  const { isGzip } = await readHead(file);
  for await (const lines of readLines(readBytes(file, isGzip)))
    yield lines.map((body) => ({ body, file: name }));
}

async function* csvRows({ path, name }: FileToRead): AsyncGenerator<StreamMessage[]> {
  const file = { name, localPath: path };
  const { isGzip } = await readHead(file);
  const dialect: Dialect = { name, delimiter: await delimiterOf(file, isGzip) };
  let names: readonly string[] | undefined;
  for await (const records of readRecords(readTextBytes(file, isGzip), dialect)) {
    const rows = names === undefined ? records.slice(1) : records;
    names ??= headerOf(name, records[0]?.fields);
    const header = names ?? [];
    yield rows.map(({ fields, text }) => {
      // A row that is ragged or badly quoted is set aside as it stands.
      if (fields?.length !== header.length) return { body: text, file: name };
      return { body: Object.fromEntries(header.map((key, i) => [key, fields[i]])), file: name, isText: true };
    });
  }
}

/** @throws {PlatformError} bad_file: of two columns of one name nobody knows which is meant */
function headerOf(file: string, fields: readonly string[] | null | undefined): string[] | undefined {
  const names = fields?.map((field) => field.trim());
  const twice = names?.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  throw new PlatformError("bad_file", `read ${file}: expected the column ${JSON.stringify(twice)} once`);
}

/** The one that cuts the first line into most fields. */
async function delimiterOf(file: LocalFile, isGzip: boolean): Promise<Dialect["delimiter"]> {
  for await (const chunk of readBytes(file, isGzip)) {
    const header = chunk.toString("utf8").split("\n", 1)[0] ?? "";
    const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length);
    return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ",";
  }
  return ",";
}

async function* parquetRows(
  { path, name, from }: FileToRead,
  { readParquet }: Pick<StreamPolicy, "readParquet">,
): AsyncGenerator<StreamMessage[]> {
  for (let next = from; ; next += PARQUET_ROWS) {
    const rows = await readParquet(path, { from: next, limit: PARQUET_ROWS });
    yield rows.map((body) => ({ body, file: name }));
    if (rows.length < PARQUET_ROWS) return;
  }
}

async function* withoutFirst(
  groups: AsyncIterable<StreamMessage[]>,
  count: number,
): AsyncGenerator<StreamMessage[]> {
  let left = count;
  for await (const group of groups) {
    const skipped = Math.min(left, group.length);
    left -= skipped;
    if (group.length > skipped) yield skipped === 0 ? group : group.slice(skipped);
  }
}
