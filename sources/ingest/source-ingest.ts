/**
 * One source from its files to sorted parts.
 *
 * 1. stage every file (see `stage`), 2. collect the rows that are bad for a reason of their own, 3. rows that are bad
 * beside others: going back in time, duplicates, 4. number the accepted rows, 5. write one sorted part per shard.
 *
 * Duplicates are rare and a search for them costs as much as all the rest. The parts are therefore written as if there
 * were none; in a sorted part duplicates are neighbours, which one cheap pass sees. Only then are they searched for by
 * number and the parts written again.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { QualityRules } from "./quality.ts";
import type { Source } from "../../schemas/pipeline/source.ts";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { LocalFile } from "../files/byte-stream.ts";
import { asLiveFile, liveSourceOf } from "../files/live-files.ts";
import type { ResolvedFile } from "../files/resolve-files.ts";
import { scanFile } from "../files/scan-file.ts";
import type { ScannedFile } from "../files/scan-file.ts";
import { countOf } from "./engine.ts";
import type { IngestEngine } from "./engine.ts";
import type { RowError } from "./row-checks.ts";
import { uniqueKeyOf } from "./row-checks.ts";
import { withOriginals } from "./original-rows.ts";
import { writeShards } from "./shards.ts";
import type { LocalPart } from "./shards.ts";
import { layoutOf } from "./source-layout.ts";
import { ErrorTable, stageFile, stagedSql } from "./stage.ts";
import type { StagedFile } from "./stage.ts";

export interface SourceInput {
  readonly engine: IngestEngine;
  readonly name: string;
  readonly source: Source;
  readonly quality: QualityRules;
  readonly files: readonly { readonly resolved: ResolvedFile; readonly localPath: string }[];
  /** Folder of this source alone. */
  readonly workDir: string;
  readonly onFile?: (name: string, rows: number) => void;
  readonly signal?: AbortSignal;
}

/** What became of one file; read = accepted + quarantined once the bad rows are known. */
export interface FileOutcome {
  readonly resolved: ResolvedFile;
  readonly scanned: ScannedFile;
  readonly staged: StagedFile;
  readonly nRead: number;
}

export interface IngestedSource {
  readonly name: string;
  readonly files: readonly FileOutcome[];
  readonly errors: readonly RowError[];
  /** Parquet with (prov, err, text, file, line, asset) of every staged row that was refused; '' when there is none. */
  readonly badPath: string;
  readonly parts: readonly LocalPart[];
}

/** Runs the steps above. @throws {PlatformError} bad_file, quality_gate (duplicates: fail) */
export async function ingestSource(input: SourceInput): Promise<IngestedSource> {
  const errors = new ErrorTable();
  const files = await stageAll(input, errors);
  const nRows = files.reduce((n, f) => n + f.staged.nRows, 0);
  if (nRows === 0) return { name: input.name, files, errors: errors.errors, badPath: "", parts: [] };
  const stageSql = stagedSql(files.map((f) => f.staged));
  const bad = new BadRows(input, stageSql);
  await bad.collect({ err: "__err", text: "__text", rows: `${stageSql} WHERE __err IS NOT NULL` });
  if (input.quality.order === "quarantine") await collectOutOfOrder(input, bad, errors);
  const shards = {
    engine: input.engine,
    source: input.source,
    workDir: input.workDir,
    nRows,
    partNames: files.map((f) => f.resolved.part),
    ...signalOf(input),
  };
  let parts = await writeShards({ ...shards, stageSql, badSql: bad.sql });
  if (await hasDuplicates(input, parts)) {
    await collectDuplicates(input, bad, errors);
    parts = await writeShards({ ...shards, stageSql, badSql: bad.sql });
  }
  const besideOthers = errors.errors.flatMap(({ code }, err) =>
    code === "duplicate" || code === "out_of_order" ? [err] : [],
  );
  return { name: input.name, files, errors: errors.errors, badPath: await bad.finish(besideOthers), parts };
}

function signalOf(input: SourceInput): { signal?: AbortSignal } {
  return input.signal === undefined ? {} : { signal: input.signal };
}

async function stageAll(input: SourceInput, errors: ErrorTable): Promise<FileOutcome[]> {
  const outcomes: FileOutcome[] = [];
  for (const [fileNumber, { resolved, localPath }] of input.files.entries()) {
    input.signal?.throwIfAborted();
    const file: LocalFile = { name: resolved.name, localPath };
    const isLive = liveSourceOf(resolved.name) !== undefined;
    const source = isLive ? asLiveFile(input.source) : input.source;
    const context = {
      source,
      workDir: input.workDir,
      stem: `file-${fileNumber}`,
      ...signalOf(input),
    };
    const scanned = await scanFile(file, context);
    const path = join(input.workDir, `stage-${fileNumber}.parquet`);
    const staged = await stageFile({ ...input, source, file: resolved, scanned, errors, path });
    if (scanned.kind === "text" && scanned.isTemporary) await rm(scanned.path);
    const nRead = scanned.kind === "text" ? scanned.nRead : staged.nRows;
    outcomes.push({ resolved, scanned, staged, nRead });
    input.onFile?.(resolved.name, nRead);
  }
  return outcomes;
}

/** Refused rows, in Parquet files of the work folder. */
class BadRows {
  readonly #input: SourceInput;
  readonly #stageSql: string;
  readonly #paths: string[] = [];

  constructor(input: SourceInput, stageSql: string) {
    this.#input = input;
    this.#stageSql = stageSql;
  }

  /** Refused rows so far; undefined when there is none. */
  get sql(): string | undefined {
    if (this.#paths.length === 0) return undefined;
    return `read_parquet([${this.#paths.map(quoteLiteral).join(", ")}])`;
  }

  /** Staged rows that are not refused so far. */
  get acceptedSql(): string {
    const without = this.sql === undefined ? "" : ` WHERE prov NOT IN (SELECT prov FROM ${this.sql})`;
    return `(SELECT * FROM ${this.#stageSql}${without})`;
  }

  async collect(refused: {
    readonly err: string;
    readonly text: string;
    readonly rows: string;
  }): Promise<number> {
    const select = `SELECT prov, ${refused.err} AS err, ${refused.text} AS text, __file AS file, __line AS line, __asset AS asset FROM ${refused.rows}`;
    const path = join(this.#input.workDir, `bad-${this.#paths.length}.parquet`);
    const { engine } = this.#input;
    await engine.run(`COPY (${select}) TO ${quoteLiteral(path)} (FORMAT parquet)`, signalOf(this.#input));
    const [row] = await engine.query(`SELECT count(*) AS n FROM read_parquet(${quoteLiteral(path)})`);
    const n = countOf(row?.["n"]);
    if (n > 0) this.#paths.push(path);
    return n;
  }

  /** @param errs error numbers of rows that were good by themselves */
  async finish(errs: readonly number[]): Promise<string> {
    if (this.sql === undefined) return "";
    const { engine, source, workDir, files } = this.#input;
    const path = join(workDir, "bad.parquet");
    const originals = {
      engine,
      source,
      files: files.map((f) => ({ name: f.resolved.name, localPath: f.localPath })),
      badSql: this.sql,
      errs,
      path: join(workDir, "originals.csv"),
    };
    await withOriginals(originals, (badSql) =>
      engine.run(
        `COPY (SELECT * FROM ${badSql} ORDER BY prov) TO ${quoteLiteral(path)} (FORMAT parquet)`,
        signalOf(this.#input),
      ),
    );
    return path;
  }
}

async function collectOutOfOrder(input: SourceInput, bad: BadRows, errors: ErrorTable): Promise<void> {
  const { source } = input;
  if (source.time === undefined) return;
  const message = `${source.time.column}: expected a time not before the rows above it`;
  const err = errors.numberOf({ code: "out_of_order", message });
  const before = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING";
  const latest = `max(__t) OVER (PARTITION BY __file, __asset ORDER BY prov ${before})`;
  const rows = `SELECT *, ${latest} AS latest FROM ${bad.acceptedSql}`;
  await bad.collect({ err: String(err), text: rowText(source), rows: `(${rows}) WHERE __t < latest` });
}

/** Columns in which two rows of this source may not agree. */
function uniqueColumns(source: Source): string[] {
  const key = uniqueKeyOf(source);
  const asset = source.asset === undefined ? [] : ["__asset"];
  if (key === "none") return [];
  if (key === "asset") return asset;
  if (key === "asset_time") return [...asset, "__t"];
  return [...asset, "__t", ...layoutOf(source).map((c) => c.stored.physical)];
}

async function hasDuplicates(input: SourceInput, parts: readonly LocalPart[]): Promise<boolean> {
  const columns = uniqueColumns(input.source);
  const key = uniqueKeyOf(input.source);
  if (columns.length === 0) return false;
  for (const part of parts) {
    const from = `read_parquet(${quoteLiteral(part.path)})`;
    const sql =
      key === "row"
        ? `SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT ${columns.join(", ")} FROM ${from})) AS n FROM ${from}`
        : `SELECT count(*) AS n FROM (SELECT ${columns.map((c) => `${c} = lag(${c}) OVER ()`).join(" AND ")} AS same FROM ${from}) WHERE same`;
    const [row] = await input.engine.query(sql, signalOf(input));
    if (countOf(row?.["n"]) > 0) return true;
  }
  return false;
}

async function collectDuplicates(input: SourceInput, bad: BadRows, errors: ErrorTable): Promise<void> {
  const columns = uniqueColumns(input.source);
  const what = {
    asset_time: "one row per asset and time",
    asset: "one row per asset",
    row: "each event once",
    none: "",
  };
  const expected = what[uniqueKeyOf(input.source)];
  const err = errors.numberOf({ code: "duplicate", message: `expected ${expected}` });
  const nth = `row_number() OVER (PARTITION BY ${columns.join(", ")} ORDER BY prov)`;
  const rows = `SELECT *, ${nth} AS nth FROM ${bad.acceptedSql}`;
  const n = await bad.collect({
    err: String(err),
    text: rowText(input.source),
    rows: `(${rows}) WHERE nth > 1`,
  });
  if (input.quality.duplicates === "fail" && n > 0) {
    throw new PlatformError(
      "quality_gate",
      `sources.${input.name}: expected ${expected}, found ${n} duplicates`,
      {
        details: { source: input.name, duplicates: n },
      },
    );
  }
}

/** A staged row as text again, for the quarantine. */
function rowText(source: Source): string {
  const columns = ["__asset", "__t", ...layoutOf(source).map((c) => c.stored.physical)];
  const text = `concat_ws(',', ${columns.map((c) => `coalesce(CAST(${c} AS VARCHAR), '')`).join(", ")})`;
  return `CASE WHEN strlen(${text}) <= 1024 THEN ${text} ELSE left(${text}, 256) END`;
}
