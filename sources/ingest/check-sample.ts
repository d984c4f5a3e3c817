import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Source } from "../../schemas/pipeline/source.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import type { ErrorCode } from "../../schemas/error-codes.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import { badFile } from "../files/bad-file.ts";
import { readHead, readTextBytes } from "../files/byte-stream.ts";
import type { LocalFile } from "../files/byte-stream.ts";
import { checkHeader } from "../files/check-header.ts";
import { readJsonLines } from "../files/jsonl-reader.ts";
import { readRecords } from "../files/record-reader.ts";
import type { TextRecord } from "../files/record-reader.ts";
import { readColumns } from "../files/scan-file.ts";
import { FlatColumns } from "./flat-columns.ts";
import { FilterValues } from "./filter-values.ts";
import { noFailures } from "./label-events.ts";
import { badShareFaults } from "./quality.ts";
import { rowCheckOf } from "./sample-rows.ts";

/** Rows of a file that are looked at; events that a label or a feature chooses from are read to the end. */
const SAMPLE_ROWS = 20_000;
const MAX_EXAMPLES = 3;
const MAX_VALUES = 1_000;

/** What is wrong, and the code of the worst of it. */
export interface SampleFaults {
  readonly code: ErrorCode;
  readonly faults: readonly ErrorLocation[];
}

/** What was seen of a source. */
interface Seen {
  read: number;
  bad: number;
  isWhole: boolean;
  readonly byReason: Record<string, number>;
  readonly examples: ErrorLocation[];
  /** Columns of `label.where` with their values, and whether a row fulfils it. */
  hasFailure: boolean;
  readonly values: Map<string, Set<string>>;
  readonly filters: FilterValues;
  readonly flat: FlatColumns;
}

export interface SampleSource {
  readonly name: string;
  readonly files: readonly LocalFile[];
}

/**
 * A first look at a pipeline's files, without the database: the columns, the beginning of the rows with the checks of
 * ingest, whether an event is a failure as `label.where` says, and whether the texts that filters name stand there. Gzip is read to its end. Parquet is only looked at
 * for being that. Memory: a few MB.
 *
 * @param note  takes what is no fault but worth a look: columns that all rows agree in
 */
export async function checkSample(
  pipeline: Pipeline,
  sources: readonly SampleSource[],
  note: (text: string) => void = () => undefined,
): Promise<SampleFaults | undefined> {
  const ofFiles: ErrorLocation[] = [];
  const ofRows: ErrorLocation[] = [];
  const ofLabel: ErrorLocation[] = [];
  for (const { name, files } of sources) {
    const source = pipeline.sources[name];
    if (source === undefined) continue;
    const seen = nothingSeen(new FilterValues(pipeline, name), new FlatColumns(name, source));
    const nBefore = ofFiles.length;
    for (const file of files) {
      const faults = await faultsOfFile(file, { pipeline, source, name, seen });
      ofFiles.push(...faults);
    }
    ofRows.push(...rowFaults(pipeline, name, seen));
    for (const text of seen.flat.notes()) note(text);
    if (ofFiles.length === nBefore) ofLabel.push(...labelFaults(pipeline, name, seen), ...filterFaults(seen));
  }
  const faults = [...ofFiles, ...ofRows, ...ofLabel];
  if (faults.length === 0) return undefined;
  const code =
    ofFiles.length > 0 ? "bad_file" : ofRows.length > 0 ? "quality_gate" : ("invalid_pipeline" as const);
  return { code, faults };
}

interface Looking {
  readonly pipeline: Pipeline;
  readonly source: Source;
  readonly name: string;
  readonly seen: Seen;
}

async function faultsOfFile(file: LocalFile, looking: Looking): Promise<readonly ErrorLocation[]> {
  const { maxSchemaDrift } = looking.pipeline.quality;
  try {
    const faults = await checkHeader(file, { source: looking.source, maxSchemaDrift });
    if (faults.length === 0 && looking.source.format.type !== "parquet") await lookAtRows(file, looking);
    return faults;
  } catch (error) {
    if (isPlatformError(error) && error.code === "bad_file") return error.locations;
    throw error;
  }
}

async function lookAtRows(file: LocalFile, looking: Looking): Promise<void> {
  const { pipeline, source, name, seen } = looking;
  const { isGzip } = await readHead(file);
  const isLabel = pipeline.label.kind === "events" && pipeline.label.source === name;
  const limit = isLabel || !seen.filters.isEmpty ? Infinity : SAMPLE_ROWS;
  const columns = await columnsOf(file, source, isGzip);
  const check = rowCheckOf(source, columns);
  const bytes = readTextBytes(file, isGzip);
  const isCsv = source.format.type === "csv";
  const batches = isCsv
    ? readRecords(bytes, { name: file.name, delimiter: source.format.delimiter })
    : readJsonLines(bytes, { name: file.name, names: columns }, { unknownKeys: new Set() });
  let toSkip = isCsv && source.format.header ? 1 : 0;
  let nRead = 0;
  for await (const batch of batches) {
    for (const record of batch) {
      if (toSkip-- > 0 || nRead >= limit) continue;
      nRead++;
      take(record, { file, columns, check, looking, isLabel });
    }
    if (nRead < limit) continue;
    seen.isWhole = false;
    // The end of gzip data says whether it is all there.
    if (!isGzip) break;
  }
  if (nRead === 0) throw badFile(file.name, { expected: "rows of data", found: "none" });
}

async function columnsOf(file: LocalFile, source: Source, isGzip: boolean): Promise<readonly string[]> {
  if (source.format.type === "csv") return readColumns(file, source, readTextBytes(file, isGzip));
  const keys = [source.asset, source.time?.column].filter((k) => k !== undefined);
  return [...new Set([...keys, ...source.columns.map((c) => c.name)])];
}

interface Taking {
  readonly file: LocalFile;
  readonly columns: readonly string[];
  readonly check: ReturnType<typeof rowCheckOf>;
  readonly looking: Looking;
  readonly isLabel: boolean;
}

function take(record: TextRecord, { file, columns, check, looking, isLabel }: Taking): void {
  const { pipeline, seen } = looking;
  const { fields } = record;
  seen.read++;
  const hasFields = fields !== undefined && fields.length === columns.length;
  const fault = hasFields
    ? check(fields)
    : { code: "wrong_columns", expected: `${columns.length} fields`, found: faultText(record) };
  if (fault !== undefined) {
    seen.bad++;
    seen.byReason[fault.code] = (seen.byReason[fault.code] ?? 0) + 1;
    if (seen.examples.length >= MAX_EXAMPLES) return;
    const field = "column" in fault ? { field: fault.column } : {};
    const { expected, found } = fault;
    seen.examples.push({ file: file.name, line: record.line, ...field, expected, found });
    return;
  }
  if (fields === undefined) return;
  seen.filters.take(columns, fields);
  seen.flat.take(columns, fields);
  if (isLabel) takeEvent(pipeline, { seen, columns, fields, source: looking.source });
}

function faultText({ fields, fault }: TextRecord): string {
  return fields === undefined ? (fault ?? "something else") : String(fields.length);
}

interface Event {
  readonly seen: Seen;
  readonly source: Source;
  readonly columns: readonly string[];
  readonly fields: readonly string[];
}

function takeEvent({ label }: Pipeline, { seen, source, columns, fields }: Event): void {
  if (label.kind !== "events" || label.where === undefined) return;
  let fulfils = true;
  for (const [name, wanted] of Object.entries(label.where)) {
    const cell = fields[columns.indexOf(name)] ?? "";
    const values = seen.values.get(name) ?? new Set();
    if (cell !== "" && values.size < MAX_VALUES) values.add(cell);
    seen.values.set(name, values);
    // Numbers and booleans have many spellings; what they mean is left to ingest.
    const isText = source.columns.find((c) => c.name === name)?.type === "text";
    const list = (Array.isArray(wanted) ? wanted : [wanted]).map(String);
    if (isText && !list.includes(cell)) fulfils = false;
  }
  seen.hasFailure ||= fulfils;
}

function nothingSeen(filters: FilterValues, flat: FlatColumns): Seen {
  return {
    filters,
    flat,
    read: 0,
    bad: 0,
    isWhole: true,
    byReason: {},
    examples: [],
    hasFailure: false,
    values: new Map(),
  };
}

function rowFaults(pipeline: Pipeline, name: string, seen: Seen): ErrorLocation[] {
  const { read, bad, byReason, examples } = seen;
  const counts = { read, accepted: read - bad, quarantined: bad, byReason };
  const faults = badShareFaults(pipeline.quality, { name, counts, examples });
  if (seen.isWhole || faults[0] === undefined) return faults;
  const found = `${faults[0].found} in the first ${SAMPLE_ROWS} rows of each file`;
  return [{ ...faults[0], found }, ...faults.slice(1)];
}

function labelFaults({ label, ...rest }: Pipeline, name: string, seen: Seen): readonly ErrorLocation[] {
  if (label.kind !== "events" || label.source !== name || label.where === undefined) return [];
  if (seen.hasFailure || seen.read === seen.bad) return [];
  const values = [...seen.values].map(([column, all]) => [column, [...all].sort()] as const);
  return noFailures({ ...rest, label }, new Map(values)).locations;
}

function filterFaults({ read, bad, filters }: Seen): readonly ErrorLocation[] {
  return read === bad ? [] : filters.faults();
}
