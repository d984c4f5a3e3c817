import type { SourceCounts } from "../../schemas/data/dataset.ts";
import type { Source } from "../../schemas/pipeline/source.ts";
import { dataIdSchema } from "../../schemas/names.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { countOf } from "./engine.ts";
import type { IngestEngine } from "./engine.ts";
import type { LocalPart } from "./shards.ts";
import { BAD_CSV } from "./quarantine.ts";
import type { FileOutcome, IngestedSource } from "./source-ingest.ts";
import { layoutOf } from "./source-layout.ts";

/** An ingested source with everything that was counted about it. */
export interface SourceFindings {
  readonly ingested: IngestedSource;
  readonly source: Source;
  readonly counts: SourceCounts;
  readonly perFile: readonly Omit<FileCounts, "sha256">[];
  readonly nulls: ReadonlyMap<string, number>;
  readonly examples: readonly ErrorLocation[];
}

/** First and last time of an asset in a source: ISO 8601, or the cycle, or ''. */
export interface AssetSummary {
  readonly id: string;
  readonly source: string;
  readonly rows: number;
  readonly firstT: string;
  readonly lastT: string;
  /** Where it is and whose that is, where the source declares it and a row says it. */
  readonly site?: string;
  readonly customer?: string;
}

const MAX_ASSETS = 1_000_000;

/** What a file gave: read = accepted + quarantined. */
export interface FileCounts {
  readonly source: string;
  readonly name: string;
  readonly sha256: string;
  readonly read: number;
  readonly accepted: number;
  readonly quarantined: number;
}

/** Rows read, accepted and quarantined, by source, file and reason; accepted is counted in the parts themselves. */
export async function countsOf(
  engine: IngestEngine,
  ingested: IngestedSource,
): Promise<{ counts: SourceCounts; perFile: Omit<FileCounts, "sha256">[] }> {
  const { files, errors, badPath, parts, name } = ingested;
  const byReason: Record<string, number> = {};
  const quarantined = files.map((f) => (f.scanned.kind === "text" ? f.scanned.nBad : 0));
  const nUnread = quarantined.reduce((a, b) => a + b, 0);
  if (nUnread > 0) byReason["wrong_columns"] = nUnread;
  if (badPath !== "") {
    const rows = await engine.query(
      `SELECT file, err, count(*) AS n FROM read_parquet(${quoteLiteral(badPath)}) GROUP BY file, err ORDER BY file, err`,
    );
    for (const row of rows) {
      const [file, n] = [countOf(row["file"]), countOf(row["n"])];
      const code = errors[countOf(row["err"])]?.code ?? "unknown";
      byReason[code] = (byReason[code] ?? 0) + n;
      quarantined[file] = (quarantined[file] ?? 0) + n;
    }
  }
  const perFile = files.map((f, i) => {
    const bad = quarantined[i] ?? 0;
    return { source: name, name: f.resolved.name, read: f.nRead, accepted: f.nRead - bad, quarantined: bad };
  });
  const counts = {
    read: files.reduce((n, f) => n + f.nRead, 0),
    accepted: parts.reduce((n, p) => n + p.rows, 0),
    quarantined: quarantined.reduce((a, b) => a + b, 0),
    byReason,
  };
  return { counts, perFile };
}

const MAX_EXAMPLES = 3;
const MAX_SHOWN = 120;

/** A few refused rows, one of each reason before a second of any: where, what was expected, what stands there. */
export async function badExamples(
  engine: IngestEngine,
  ingested: IngestedSource,
): Promise<readonly ErrorLocation[]> {
  const { files, errors, badPath } = ingested;
  const examples: ErrorLocation[] = [];
  if (badPath !== "") {
    const nth = "row_number() OVER (PARTITION BY err ORDER BY prov)";
    const rows = await engine.query(
      `SELECT file, line, err, text FROM (SELECT *, ${nth} AS nth FROM read_parquet(${quoteLiteral(badPath)})) ORDER BY nth, prov LIMIT ${MAX_EXAMPLES}`,
    );
    for (const row of rows) {
      const error = errors[countOf(row["err"])];
      const file = files[countOf(row["file"])];
      if (error === undefined || file === undefined) continue;
      const found = cellOf(file, textIn(row["text"]), error.column);
      const expected = error.message.replace(/^.*?expected /s, "");
      examples.push({
        file: file.resolved.name,
        line: countOf(row["line"]),
        ...(error.column === undefined ? {} : { field: error.column }),
        expected,
        found,
      });
    }
  }
  for (const { resolved, scanned } of files) {
    if (examples.length >= MAX_EXAMPLES) break;
    if (scanned.kind !== "text" || scanned.nBad === 0 || scanned.badPath === undefined) continue;
    const limit = MAX_EXAMPLES - examples.length;
    const bad = `SELECT line, message, text FROM read_csv(${quoteLiteral(scanned.badPath)}, ${BAD_CSV}) ORDER BY line LIMIT ${limit}`;
    for (const row of await engine.query(bad)) {
      const expected = `${scanned.columns.length} fields`;
      const found = `${textIn(row["message"])}: ${shown(textIn(row["text"]))}`;
      examples.push({ file: resolved.name, line: countOf(row["line"]), expected, found });
    }
  }
  return examples;
}

/** The value that was refused, or the row where the fields of its text cannot be told apart. */
function cellOf({ scanned }: FileOutcome, text: string, column: string | undefined): string {
  if (scanned.kind === "text" && column !== undefined) {
    const fields = text.split(scanned.delimiter);
    const cell = fields[scanned.columns.indexOf(column)];
    if (fields.length === scanned.columns.length && cell !== undefined) return `'${shown(cell)}'`;
  }
  return `the row ${shown(text)}`;
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text;
}

/** Missing values per column that is not ignored. */
export async function nullsOf(
  engine: IngestEngine,
  source: Source,
  parts: readonly LocalPart[],
): Promise<Map<string, number>> {
  const nulls = new Map<string, number>();
  if (parts.length === 0) return nulls;
  const columns = layoutOf(source).filter((c) => c.column.use !== "ignore");
  const counts = columns.map((c) => `count(*) - count(${c.stored.physical}) AS ${c.stored.physical}`);
  if (counts.length === 0) return nulls;
  const [row] = await engine.query(`SELECT ${counts.join(", ")} FROM ${partsSql(parts)}`);
  for (const { column, stored } of columns) nulls.set(column.name, countOf(row?.[stored.physical]));
  return nulls;
}

/** Distinct assets; the rows where there is no asset column. */
export async function countAssets(
  engine: IngestEngine,
  source: Source,
  parts: readonly LocalPart[],
): Promise<number> {
  if (parts.length === 0) return 0;
  if (source.asset === undefined) return parts.reduce((n, p) => n + p.rows, 0);
  const [row] = await engine.query(`SELECT count(DISTINCT __asset) AS n FROM ${partsSql(parts)}`);
  return countOf(row?.["n"]);
}

/** The first million assets of a source in the order of their ids; none where rows have no asset. */
export async function assetSummaries(
  engine: IngestEngine,
  from: { readonly name: string; readonly source: Source; readonly parts: readonly LocalPart[] },
): Promise<AssetSummary[]> {
  const { name, source, parts } = from;
  if (source.asset === undefined || source.role === "labels" || parts.length === 0) return [];
  const site = lastValue(source, source.site);
  const customer = lastValue(source, source.customer);
  const rows = await engine.query(
    `SELECT __asset AS id, count(*) AS n, min(__t) AS first, max(__t) AS last, ${site} AS site, ${customer} AS customer FROM ${partsSql(parts)} GROUP BY __asset ORDER BY __asset LIMIT ${MAX_ASSETS}`,
  );
  const kind = source.time?.kind ?? "none";
  return rows.map((r) => ({
    id: String(r["id"]),
    source: name,
    rows: countOf(r["n"]),
    firstT: timeText(kind, countOf(r["first"])),
    lastT: timeText(kind, countOf(r["last"])),
    ...placeOf(r, name),
  }));
}

/** The text of the last row, in file order, that has one. */
function lastValue(source: Source, column: string | undefined): string {
  const stored = layoutOf(source).find((c) => c.column.name === column)?.stored;
  return column === undefined || stored === undefined ? "NULL" : `arg_max(${stored.physical}, __seq)`;
}

/** @throws {PlatformError} bad_file: an id that is none */
function placeOf(
  row: Readonly<Record<string, unknown>>,
  source: string,
): { readonly site?: string; readonly customer?: string } {
  const place: { site?: string; customer?: string } = {};
  for (const key of ["site", "customer"] as const) {
    const value = row[key];
    if (value === null || value === undefined || value === "") continue;
    const parsed = dataIdSchema.safeParse(value);
    if (!parsed.success) {
      throw new PlatformError(
        "bad_file",
        `ingest of ${source}: the ${key} of an asset: expected 1 to 128 bytes of UTF-8 without NUL`,
      );
    }
    place[key] = parsed.data;
  }
  return place;
}

function timeText(kind: "timestamp" | "cycle" | "none", t: number): string {
  if (kind === "none") return "";
  if (kind === "cycle") return String(t);
  const date = new Date(t / 1_000);
  // Years that JavaScript cannot write stay numbers.
  return Number.isNaN(date.getTime()) ? String(t) : date.toISOString();
}

function partsSql(parts: readonly LocalPart[]): string {
  return `read_parquet([${parts.map((p) => quoteLiteral(p.path)).join(", ")}])`;
}
