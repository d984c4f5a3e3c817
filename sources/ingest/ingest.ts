import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatasetSource } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { resolveFiles } from "../files/resolve-files.ts";
import type { ResolvedFile } from "../files/resolve-files.ts";
import type { IngestEngine } from "./engine.ts";
import { assetSummaries, badExamples, countAssets, countsOf, nullsOf } from "./findings.ts";
import type { AssetSummary, FileCounts, SourceFindings } from "./findings.ts";
import { requireFailures } from "./label-events.ts";
import { personalColumns } from "./personal-columns.ts";
import { requireQuality } from "./quality.ts";
import { writeQuarantine } from "./quarantine.ts";
import type { LocalPart } from "./shards.ts";
import { ingestSource } from "./source-ingest.ts";
import type { IngestedSource } from "./source-ingest.ts";
import { layoutOf, schemaHashOf } from "./source-layout.ts";

/** A raw file on local disk; `name` is its name in the run, relative to --data. */
export interface IngestFile {
  readonly name: string;
  readonly localPath: string;
  readonly sha256: string;
}

export interface IngestProgress {
  readonly source: string;
  readonly step: "read" | "sorted";
  readonly file?: string;
  readonly rows: number;
}

export interface IngestOptions {
  readonly pipeline: Pipeline;
  readonly files: readonly IngestFile[];
  readonly duckdb: IngestEngine;
  /** A folder of its own, inside the engine's folders; emptied first. The parts stay there for the caller. */
  readonly workDir: string;
  readonly onProgress?: (progress: IngestProgress) => void;
  readonly signal?: AbortSignal;
}

export interface IngestResult {
  /** Dataset sources that lack only the object references of their parts. */
  readonly sources: Readonly<Record<string, Omit<DatasetSource, "parts">>>;
  readonly parts: Readonly<Record<string, readonly LocalPart[]>>;
  /** Absent when nothing was quarantined. */
  readonly quarantine?: LocalPart;
  readonly files: readonly ResolvedFile[];
  readonly perFile: readonly FileCounts[];
  readonly assets: readonly AssetSummary[];
}

/**
 * Reads raw files into sorted, checked Parquet parts.
 *
 * Every row read is either accepted or in the quarantine, with source, file, line, code, message and text. Equal files
 * and pipeline give equal bytes, whatever the number of threads. Memory is bounded by the engine's limit and one
 * shard; the work folder needs about twice the size of the unpacked files.
 *
 * @throws {PlatformError} bad_file: a file is missing, cannot be read or has other columns than declared; nothing is
 *   registered
 * @throws {PlatformError} quality_gate: a quality rule is broken; details.counts has the counts by source
 * @throws {PlatformError} invalid_pipeline: no event is a failure as `label.where` says
 * @throws {PlatformError} cancelled, or the signal's reason
 */
export async function ingest(options: IngestOptions): Promise<IngestResult> {
  const { pipeline, workDir } = options;
  const resolved = resolveFiles(
    pipeline,
    options.files.map((f) => f.name),
  );
  const byName = new Map(options.files.map((f) => [f.name, f]));
  await rm(workDir, { recursive: true, force: true });
  const ingested: SourceFindings[] = [];
  for (const [i, [name, source]] of Object.entries(pipeline.sources).entries()) {
    const files = resolved.filter((f) => f.source === name);
    const found = await ingestSource({
      engine: options.duckdb,
      name,
      source,
      quality: pipeline.quality,
      files: files.map((f) => ({ resolved: f, localPath: byName.get(f.name)?.localPath ?? "" })),
      workDir: await sourceDir(workDir, i),
      onFile: (file, rows) => options.onProgress?.({ source: name, step: "read", file, rows }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    ingested.push(await findingsOf(options, found));
    options.onProgress?.({ source: name, step: "sorted", rows: found.parts.reduce((n, p) => n + p.rows, 0) });
  }
  requireQuality(
    pipeline,
    ingested.map((f) => ({
      name: f.ingested.name,
      counts: f.counts,
      files: f.ingested.files,
      nulls: f.nulls,
      examples: f.examples,
    })),
  );
  await requireFailures(options, ingested);
  return resultOf(options, ingested, resolved);
}

async function sourceDir(workDir: string, i: number): Promise<string> {
  // Numbered, not named: names are for people, folders for machines.
  const path = join(workDir, `source-${i}`);
  await mkdir(path, { recursive: true });
  return path;
}

async function findingsOf(options: IngestOptions, ingested: IngestedSource): Promise<SourceFindings> {
  const source = options.pipeline.sources[ingested.name];
  if (source === undefined) throw new PlatformError("internal", `ingest: no source ${ingested.name}`);
  const { counts, perFile } = await countsOf(options.duckdb, ingested);
  if (counts.accepted + counts.quarantined !== counts.read) {
    const got = `${counts.accepted} accepted + ${counts.quarantined} quarantined`;
    throw new PlatformError(
      "internal",
      `ingest of ${ingested.name}: expected ${counts.read} rows read, got ${got}`,
    );
  }
  return {
    ingested,
    source,
    counts,
    perFile,
    nulls: await nullsOf(options.duckdb, source, ingested.parts),
    examples: await badExamples(options.duckdb, ingested),
  };
}

async function resultOf(
  options: IngestOptions,
  findings: readonly SourceFindings[],
  files: readonly ResolvedFile[],
): Promise<IngestResult> {
  const sources: Record<string, Omit<DatasetSource, "parts">> = {};
  const parts: Record<string, readonly LocalPart[]> = {};
  const assets: AssetSummary[] = [];
  for (const { ingested, source, counts } of findings) {
    const columns = layoutOf(source).map((c) => c.stored);
    const personal = personalColumns(source);
    sources[ingested.name] = {
      role: source.role,
      hasAsset: source.asset !== undefined,
      timeKind: source.time?.kind ?? "none",
      columns,
      ...(personal.length === 0 ? {} : { personal }),
      schemaHash: schemaHashOf(source, columns),
      counts,
      nAssets: await countAssets(options.duckdb, source, ingested.parts),
    };
    parts[ingested.name] = ingested.parts;
    assets.push(
      ...(await assetSummaries(options.duckdb, { name: ingested.name, source, parts: ingested.parts })),
    );
  }
  const sha256Of = new Map(options.files.map((f) => [f.name, f.sha256]));
  const perFile = findings.flatMap((f) =>
    f.perFile.map((p) => ({ ...p, sha256: sha256Of.get(p.name) ?? "" })),
  );
  const quarantine = await writeQuarantine(
    options.duckdb,
    findings,
    join(options.workDir, "quarantine.parquet"),
  );
  for (const finding of findings) {
    for (const file of finding.ingested.files)
      if (file.staged.path !== "") await rm(file.staged.path, { force: true });
  }
  await rm(join(options.workDir, "tmp"), { recursive: true, force: true });
  return { sources, parts, ...(quarantine === undefined ? {} : { quarantine }), files, perFile, assets };
}

/** Reads the quarantine back, in source, file and line order. */
export async function* readQuarantine(
  engine: IngestEngine,
  path: string,
  batchRows = 10_000,
): AsyncGenerator<Readonly<Record<string, unknown>>[]> {
  for (let offset = 0; ; offset += batchRows) {
    const rows = await engine.query(
      `SELECT source, file, line, code, message, text FROM read_parquet(${quoteLiteral(path)}, file_row_number = true) WHERE file_row_number >= ${offset} AND file_row_number < ${offset + batchRows} ORDER BY file_row_number`,
    );
    if (rows.length === 0) return;
    yield [...rows];
  }
}
