/**
 * What was known at a moment, as a dataset of its own.
 *
 *   readings   ──────────────┤ until
 *   events     ──────────────┤ until
 *   attributes ─────────────────────────   (they have no time)
 *
 * A label is a function of readings and events, so that cutting both at one moment leaves exactly the labels that could be
 * told then: a failure within the horizon is known when it came, and that none came when the horizon is over. Where outcomes
 * come late by a delay, the cut is that much before the moment of training.
 *
 * Whoever trains on such a dataset cannot look ahead, whatever it does: what came later is not in it. That is why a replay
 * trains on snapshots and not on rows of the whole that are left out by every step on its own.
 *
 * Rows are numbered anew, and nothing of the original files is named: the snapshot is the same one whatever came later, down
 * to its id. It is never registered; `asOf` tells it from a dataset that people made.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatasetManifest, DatasetSource, ParquetPart } from "../../schemas/data/dataset.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { quoteIdentifier, quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import { putDocument } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts } from "../features/sensor-columns.ts";
import { putParquet } from "../parquet-object.ts";
import type { SnapshotResult } from "./messages.ts";

type Deps = Pick<ActivityDeps, "objects" | "duckdb" | "scratchDir">;

export interface SnapshotGiven {
  readonly pipeline: Pick<Pipeline, "label">;
  readonly dataset: DatasetManifest;
  /** In units of `__t`. */
  readonly until: number;
  readonly signal?: AbortSignal;
}

/**
 * The dataset as of `until`, that moment included.
 *
 * Of assets that ran to failure those are left out that still ran: their last reading in the snapshot is not their end.
 *
 * @throws {PlatformError} not_enough_data: no reading is that old
 */
export async function snapshotAsOf(deps: Deps, given: SnapshotGiven): Promise<SnapshotResult> {
  const { dataset, until, pipeline } = given;
  const scratch = await mkdtemp(join(deps.scratchDir, "snapshot-"));
  try {
    const sources: Record<string, DatasetSource> = {};
    for (const [name, source] of Object.entries(dataset.sources)) {
      const isCut = source.timeKind !== "none" && source.parts.length > 0;
      sources[name] = isCut ? await cutSource(deps, { ...given, source, scratch }) : source;
    }
    const { pipeline: name, owner, retention } = dataset;
    const manifest: DatasetManifest = {
      kind: "aura.dataset/1",
      pipeline: name,
      owner,
      retention,
      raw: [],
      sources,
      asOf: until,
    };
    const readings = Object.values(sources).find(({ role }) => role === "readings");
    const rows = readings?.counts.accepted ?? 0;
    if (rows === 0)
      throw new PlatformError(
        "not_enough_data",
        `snapshot of ${name}: expected readings of what was known by then, got none${pipeline.label.kind === "end_of_life" ? "; no asset had failed yet" : ""}`,
      );
    return { dataset: hashOf(manifest), manifest: await putDocument(deps.objects, manifest), rows };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type CutGiven = SnapshotGiven & { readonly source: DatasetSource; readonly scratch: string };

async function cutSource(deps: Deps, given: CutGiven): Promise<DatasetSource> {
  const { source, until, scratch, signal } = given;
  const paths = await localParts(deps, source);
  const all = await deps.duckdb.parquet(paths);
  const running = source.role === "readings" ? await runningAssets(deps, all, given) : [];
  const isKnown = `__t <= ${BigInt(Math.floor(until))}`;
  const isEnded = running.length === 0 ? "" : ` AND __asset NOT IN (${running.map(quoteLiteral).join(", ")})`;
  const numbered = `SELECT __seq AS was, row_number() OVER (ORDER BY __seq) - 1 AS n FROM ${all} WHERE ${isKnown}${isEnded}`;
  const values = source.columns.map(({ physical }) => `, p.${quoteIdentifier(physical)}`).join("");
  const asset = source.hasAsset ? "p.__asset" : "'row-' || CAST(s.n AS VARCHAR)";
  const parts: ParquetPart[] = [];
  for (const [i, path] of paths.entries()) {
    signal?.throwIfAborted();
    const from = await deps.duckdb.parquet([path]);
    const select =
      `SELECT ${asset} AS __asset, p.__t, CAST(s.n AS BIGINT) AS __seq, p.__part${values}` +
      ` FROM ${from} p JOIN (${numbered}) s ON p.__seq = s.was`;
    const out = join(scratch, `${source.role}-${source.schemaHash.slice(0, 8)}-${i}.parquet`);
    const orderBy = ["__asset", "__t", "__seq"];
    const rows = await deps.duckdb.copyToParquet(select, out, {
      orderBy,
      ...(signal === undefined ? {} : { signal }),
    });
    const shard = source.parts[i]?.shard ?? i;
    if (rows > 0) parts.push(await putParquet(deps.objects, { path: out, rows, shard }));
    await rm(out, { force: true });
  }
  const accepted = parts.reduce((sum, part) => sum + part.rows, 0);
  return {
    ...source,
    parts,
    counts: { read: accepted, accepted, quarantined: 0, byReason: {} },
    nAssets: await countAssets(deps, source, parts),
  };
}

/** Assets whose end is taken for their failure, and which were seen again after the cut. */
async function runningAssets(
  deps: Deps,
  from: string,
  { pipeline: { label }, until }: SnapshotGiven,
): Promise<string[]> {
  if (label.kind !== "end_of_life") return [];
  const { columns } = await deps.duckdb.columns(
    `SELECT __asset AS asset, min(__part) AS part, max(__t)::DOUBLE AS last FROM ${from} GROUP BY __asset ORDER BY __asset`,
  );
  const parts = columns["part"] as string[];
  const last = columns["last"] as Float64Array;
  const endsAtLast = (part: string) =>
    label.ends.find((end) => end.parts === undefined || end.parts.includes(part))?.at === "last_reading";
  return (columns["asset"] as string[]).filter(
    (_, i) => (last[i] as number) > until && endsAtLast(parts[i] as string),
  );
}

async function countAssets(
  deps: Deps,
  source: DatasetSource,
  parts: readonly ParquetPart[],
): Promise<number> {
  if (parts.length === 0) return 0;
  const from = await deps.duckdb.parquet(await localParts(deps, { ...source, parts: [...parts] }));
  const [row] = await deps.duckdb.query(`SELECT count(DISTINCT __asset) AS n FROM ${from}`);
  return Number(row?.["n"]);
}
