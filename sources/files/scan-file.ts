import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline as pipeStreams } from "node:stream/promises";
import { MASK } from "../../schemas/personal.ts";
import type { Source } from "../../schemas/pipeline/source.ts";
import { badFile } from "./bad-file.ts";
import { readHead, readTextBytes } from "./byte-stream.ts";
import type { LocalFile } from "./byte-stream.ts";
import { readJsonLines } from "./jsonl-reader.ts";
import { scanPlain } from "./plain-scan.ts";
import { readRecords } from "./record-reader.ts";
import type { TextRecord } from "./record-reader.ts";
import { rewriteRecords } from "./rewrite.ts";

/** Delimited text that the database reads without guessing: every line has exactly `columns`. */
export interface ScannedText {
  readonly kind: "text";
  readonly path: string;
  readonly delimiter: string;
  readonly newLine: "\n" | "\r\n";
  /** Lines before the first record. */
  readonly skip: 0 | 1;
  /** Rewritten by us: quotes may occur and the first column is the line number in the original. */
  readonly isRewritten: boolean;
  /** `path` is a file of the work folder that is not needed once it was read. */
  readonly isTemporary: boolean;
  /** Names by position, without the line number. */
  readonly columns: readonly string[];
  readonly nRead: number;
  /** Records of `badPath` (line, message, text), which are not in `path`. */
  readonly nBad: number;
  readonly badPath?: string;
  /** False when no byte of the file is `_`. */
  readonly mayHoldUnderscore: boolean;
  /** Keys of JSON lines that are not declared. */
  readonly unknownKeys: readonly string[];
}

export interface ScannedParquet {
  readonly kind: "parquet";
  readonly path: string;
}

export type ScannedFile = ScannedText | ScannedParquet;

export interface ScanContext {
  readonly source: Source;
  /** Folder for rewritten files; `stem` is unique in it. */
  readonly workDir: string;
  readonly stem: string;
  readonly signal?: AbortSignal;
}

const MAX_COLUMNS = 10_000;

/**
 * Looks at every byte of a file before the database does, and gives it a form that cannot go wrong there.
 *
 * Memory: a few MB whatever the file. Writes at most two files into the work folder.
 *
 * @throws {PlatformError} bad_file: missing, empty, no rows, not in the declared format, damaged gzip, NUL, invalid
 *   UTF-8, line above 1 MiB, header without names or with a name twice
 */
export async function scanFile(file: LocalFile, context: ScanContext): Promise<ScannedFile> {
  const head = await readHead(file);
  const { type } = context.source.format;
  if (type === "parquet") {
    if (!head.isParquet)
      throw badFile(file.name, { expected: "Parquet", found: head.isGzip ? "gzip" : "other bytes" });
    return { kind: "parquet", path: file.localPath };
  }
  if (head.isParquet) throw badFile(file.name, { expected: type, found: "Parquet" });
  const scanned =
    type === "jsonl"
      ? await scanJsonLines(file, context, readTextBytes(file, head.isGzip, context.signal))
      : await scanDelimited(file, context, head.isGzip);
  if (scanned.nRead === 0) throw badFile(file.name, { expected: "rows of data", found: "none" });
  return scanned;
}

/** Gzip is unpacked first: reading the plain file twice costs less than rewriting it record by record. */
async function scanDelimited(file: LocalFile, context: ScanContext, isGzip: boolean): Promise<ScannedText> {
  const plain = isGzip
    ? { name: file.name, localPath: join(context.workDir, `${context.stem}.unpacked`) }
    : file;
  if (isGzip) await unpack(file, plain.localPath, context.signal);
  const bytes = (): AsyncGenerator<Buffer> => readTextBytes(plain, false, context.signal);
  const regular = await scanRegular(plain, context, bytes);
  if (regular !== undefined) return { ...regular, isTemporary: isGzip };
  const rewritten = await scanAny(plain, context, bytes());
  if (isGzip) await rm(plain.localPath);
  return rewritten;
}

async function unpack(file: LocalFile, path: string, signal?: AbortSignal): Promise<void> {
  await pipeStreams(readTextBytes(file, true, signal), createWriteStream(path));
}

/** The file as it stands, when it is regular and its first line names or matches the columns. */
async function scanRegular(
  file: LocalFile,
  context: ScanContext,
  bytes: () => AsyncGenerator<Buffer>,
): Promise<ScannedText | undefined> {
  const { delimiter, header } = context.source.format;
  if (delimiter === "whitespace") return undefined;
  const plain = await scanPlain(bytes(), { name: file.name, delimiter });
  if (plain === undefined) return undefined;
  const columns = await readColumns(file, context.source, bytes());
  if (columns.length !== plain.nFields) return undefined;
  const skip = header ? 1 : 0;
  return {
    kind: "text",
    path: file.localPath,
    delimiter,
    newLine: plain.newLine,
    skip,
    isRewritten: false,
    isTemporary: false,
    columns,
    nRead: plain.nLines - skip,
    nBad: 0,
    mayHoldUnderscore: plain.mayHoldUnderscore,
    unknownKeys: [],
  };
}

async function scanAny(
  file: LocalFile,
  context: ScanContext,
  bytes: AsyncGenerator<Buffer>,
): Promise<ScannedText> {
  const { delimiter, header } = context.source.format;
  const batches = readRecords(bytes, { name: file.name, delimiter });
  const opening = await firstBatch(batches);
  const columns = columnsOf(file.name, context.source, opening[0]);
  const rest = header ? opening.slice(1) : opening;
  return rewrite({ context, columns, batches: chain(rest, batches), unknownKeys: () => [] });
}

async function scanJsonLines(
  file: LocalFile,
  context: ScanContext,
  bytes: AsyncGenerator<Buffer>,
): Promise<ScannedText> {
  const { source } = context;
  const keys = [source.asset, source.time?.column].filter((k) => k !== undefined);
  const columns = [...new Set([...keys, ...source.columns.map((c) => c.name)])];
  const findings = { unknownKeys: new Set<string>() };
  const batches = readJsonLines(bytes, { name: file.name, names: columns }, findings);
  return rewrite({ context, columns, batches, unknownKeys: () => [...findings.unknownKeys].sort() });
}

interface Rewriting {
  readonly context: ScanContext;
  readonly columns: readonly string[];
  readonly batches: AsyncIterable<readonly TextRecord[]>;
  readonly unknownKeys: () => string[];
}

async function rewrite({ context, columns, batches, unknownKeys }: Rewriting): Promise<ScannedText> {
  const goodPath = join(context.workDir, `${context.stem}.csv`);
  const badPath = join(context.workDir, `${context.stem}.bad.csv`);
  const { nGood, nBad } = await rewriteRecords(batches, {
    goodPath,
    badPath,
    nFields: columns.length,
    ...(context.source.pii === undefined ? {} : { mask: MASK }),
  });
  return {
    kind: "text",
    path: goodPath,
    delimiter: ",",
    newLine: "\n",
    skip: 0,
    isRewritten: true,
    isTemporary: true,
    columns,
    nRead: nGood + nBad,
    nBad,
    badPath,
    mayHoldUnderscore: true,
    unknownKeys: unknownKeys(),
  };
}

/** Names of the columns of delimited text by position, from its first line. */
export async function readColumns(
  file: LocalFile,
  source: Source,
  bytes: AsyncIterable<Buffer>,
): Promise<readonly string[]> {
  const { delimiter } = source.format;
  const first = await firstRecord(readRecords(bytes, { name: file.name, delimiter }));
  return columnsOf(file.name, source, first);
}

/** Names by position: from the header, or as declared. */
function columnsOf(name: string, source: Source, first: TextRecord | undefined): readonly string[] {
  if (first === undefined) throw badFile(name, { expected: "rows of data", found: "blank lines only" });
  if (!source.format.header) return declaredByPosition(name, source, first);
  const line = first.line;
  if (first.fields === undefined) {
    throw badFile(name, { line, expected: "a header", found: first.fault ?? "something else" });
  }
  const columns = first.fields.map((f) => f.trim());
  if (columns.length > MAX_COLUMNS) {
    throw badFile(name, { line, expected: `at most ${MAX_COLUMNS} columns`, found: String(columns.length) });
  }
  const twice = columns.find((c, i) => c !== "" && columns.indexOf(c) !== i);
  if (twice !== undefined)
    throw badFile(name, { line, expected: "each column once", found: `'${twice}' twice` });
  return columns;
}

function declaredByPosition(name: string, source: Source, first: TextRecord): readonly string[] {
  const declared = source.columns.map((c) => c.name);
  if (first.fields !== undefined && first.fields.length !== declared.length) {
    const expected = `${declared.length} columns, as declared`;
    throw badFile(name, { line: first.line, expected, found: String(first.fields.length) });
  }
  return declared;
}

async function firstRecord(batches: AsyncGenerator<TextRecord[]>): Promise<TextRecord | undefined> {
  const [first] = await firstBatch(batches);
  await batches.return(undefined);
  return first;
}

async function firstBatch(batches: AsyncGenerator<TextRecord[]>): Promise<TextRecord[]> {
  for (;;) {
    const next = await batches.next();
    if (next.done === true) return [];
    if (next.value.length > 0) return next.value;
  }
}

async function* chain(
  first: readonly TextRecord[],
  rest: AsyncIterable<readonly TextRecord[]>,
): AsyncGenerator<readonly TextRecord[]> {
  yield first;
  yield* rest;
}
