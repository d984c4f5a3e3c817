import type { DatasetManifest } from "../../../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { copyField, copyRows } from "../../connection/copy-rows.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type {
  AuditEntry,
  CachedStage,
  DatasetEntry,
  DatasetStore,
  NewStage,
  QuarantinedRow,
  StagedRow,
} from "../../port.ts";
import { placeAssets } from "./asset-places.ts";
import type { MovedAsset } from "./asset-places.ts";
import { selectPipelineFiles, upsertPipelineFiles } from "./pipeline-files.ts";
import type { PipelineFile } from "./pipeline-files.ts";

/** Rows sent with one `unnest` statement. */
const BATCH_ROWS = 10_000;

/** Datasets, batch ledger, quarantine, assets, staged rows and the cache of stage results. */
export class PostgresDatasetStore implements DatasetStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async register(entry: DatasetEntry): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      const inserted = await tx.query(
        `insert into aura.datasets (dataset_id, pipeline, owner, retention, n_rows, manifest, manifest_key,
                                    manifest_sha256, manifest_bytes, run_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (dataset_id) do nothing returning dataset_id`,
        [
          entry.id,
          entry.manifest.pipeline,
          storableText(entry.manifest.owner),
          entry.manifest.retention,
          readingRows(entry.manifest),
          json(entry.manifest),
          entry.manifestObject.key,
          entry.manifestObject.sha256,
          entry.manifestObject.bytes,
          entry.runId,
        ],
      );
      // Also of a dataset that is known: which column names the site is no part of it.
      const moved = await placeAssets(tx, entry.assets);
      if (moved.length > 0) await appendAudit(tx, movedAudit(entry, moved));
      if (inserted.length === 0) return;
      await insertFiles(tx, entry);
      await insertCounts(tx, entry);
      await insertQuarantine(tx, entry);
      await insertAssets(tx, entry);
      await appendAudit(tx, entry.audit);
    });
  }

  async get(
    datasetId: string,
  ): Promise<{ manifest: DatasetManifest; owner: string; retention: string; createdAt: string } | undefined> {
    const [row] = await this.#pool.query<{
      manifest: DatasetManifest;
      owner: string;
      retention: string;
      created_at: string;
    }>("select manifest, owner, retention, created_at from aura.datasets where dataset_id = $1", [datasetId]);
    if (row === undefined) return undefined;
    return { manifest: row.manifest, owner: row.owner, retention: row.retention, createdAt: row.created_at };
  }

  async lastTimes({
    dataset,
    source,
    assets,
  }: {
    readonly dataset: string;
    readonly source: string;
    readonly assets: readonly string[];
  }): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#pool.query<{ asset: string; last: string }>(
      `select asset_id as asset, last_t as last from aura.dataset_assets
        where dataset_id = $1 and source = $2 and asset_id = any($3::text[]) and last_t <> ''`,
      [dataset, source, assets],
    );
    return new Map(rows.map(({ asset, last }) => [asset, last]));
  }

  async list(
    limit: number,
  ): Promise<{ id: string; pipeline: string; owner: string; rows: number; createdAt: string }[]> {
    return this.#pool.query(
      `select dataset_id as id, pipeline, owner, n_rows as rows, created_at as "createdAt"
         from aura.datasets order by created_at desc, dataset_id limit $1`,
      [limit],
    );
  }

  idsFrom(
    prefix: string,
    limit: number,
  ): Promise<{ kind: "dataset" | "features"; id: string; pipeline: string }[]> {
    return this.#pool.query(
      `select 'dataset' as kind, dataset_id::text as id, pipeline from aura.datasets where starts_with(dataset_id, $1)
        union all
       select 'features', f.feature_set_id::text, d.pipeline
         from aura.feature_sets f join aura.datasets d using (dataset_id) where starts_with(f.feature_set_id, $1)
        limit $2`,
      [prefix, limit],
    );
  }

  /** Replaces the staged rows in one transaction; a second caller for the same source waits for the first. */
  async stageRows(datasetId: string, source: string, rows: AsyncIterable<StagedRow[]>): Promise<number> {
    return this.#pool.transaction(async (tx) => {
      await tx.query("set local statement_timeout = 0");
      const [staged] = await tx.query<{ staged_key: number }>(
        `insert into aura.staged_sources (dataset_id, source) values ($1, $2)
         on conflict (dataset_id, source) do update set source = excluded.source returning staged_key`,
        [datasetId, source],
      );
      const key = staged?.staged_key ?? 0;
      await tx.query("delete from aura.staged_rows where staged_key = $1", [key]);
      const counted = { rows: 0 };
      await copyRows(
        tx.client,
        "copy aura.staged_rows (staged_key, seq, asset_id, t, row_values) from stdin",
        copyText(key, rows, counted),
      );
      return counted.rows;
    });
  }

  async quarantined(datasetId: string, limit: number, after = -1): Promise<QuarantinedRow[]> {
    return this.#pool.query(
      `select source, file, line, code, message, row_text as text from aura.quarantine
        where dataset_id = $1 and position > $2 order by position limit $3`,
      [datasetId, after, limit],
    );
  }

  async addPipelineFiles(pipeline: string, files: readonly PipelineFile[], audit: AuditEntry): Promise<void> {
    await this.#pool.transaction((tx) => upsertPipelineFiles(tx, pipeline, files, audit));
  }

  pipelineFiles(pipeline: string): Promise<{ name: string; object: ObjectRef }[]> {
    return selectPipelineFiles(this.#pool, pipeline);
  }

  async cachedStage(key: string): Promise<CachedStage | undefined> {
    const [row] = await this.#pool.query<CachedStage>(
      `select result, run_id as "runId" from aura.stage_cache where cache_key = $1`,
      [key],
    );
    return row;
  }

  async rememberStage({ key, stage, runId, result }: NewStage): Promise<unknown> {
    await this.#pool.query(
      `insert into aura.stage_cache (cache_key, stage, run_id, result) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [key, stage, runId, json(result)],
    );
    return (await this.cachedStage(key))?.result;
  }

  async evaluationResult({
    runId,
    manifestHash,
  }: Parameters<DatasetStore["evaluationResult"]>[0]): Promise<unknown> {
    const [row] = await this.#pool.query<{ result: unknown }>(
      `select result from aura.stage_cache
        where stage in ('evaluate', 'evaluate-foreign')
          and (run_id = $1 or result -> 'manifest' ->> 'sha256' = $2)
        order by (run_id is not distinct from $1) desc, created_at desc limit 1`,
      [runId, manifestHash],
    );
    return row?.result;
  }
}

function readingRows(manifest: DatasetManifest): number {
  return Object.values(manifest.sources)
    .filter((s) => s.role === "readings")
    .reduce((sum, s) => sum + s.counts.accepted, 0);
}

async function insertFiles(sql: Sql, entry: DatasetEntry): Promise<void> {
  const raw = entry.manifest.raw;
  await sql.query(
    `insert into aura.dataset_files (dataset_id, name, source, part, object_key, sha256, bytes)
     select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
     on conflict do nothing`,
    [
      entry.id,
      raw.map((f) => storableText(f.name)),
      raw.map((f) => f.source),
      raw.map((f) => storableText(f.part)),
      raw.map((f) => f.object.key),
      raw.map((f) => f.object.sha256),
      raw.map((f) => f.object.bytes),
    ],
  );
  const files = entry.perFile;
  await sql.query(
    `insert into aura.batches (dataset_id, position, source, name, sha256, n_read, n_accepted, n_quarantined)
     select $1, n, source, name, sha256, n_read, n_accepted, n_quarantined
       from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
            with ordinality as u (source, name, sha256, n_read, n_accepted, n_quarantined, n)`,
    [
      entry.id,
      files.map((f) => f.source),
      files.map((f) => storableText(f.name)),
      files.map((f) => f.sha256),
      files.map((f) => f.read),
      files.map((f) => f.accepted),
      files.map((f) => f.quarantined),
    ],
  );
}

async function insertCounts(sql: Sql, entry: DatasetEntry): Promise<void> {
  for (const [source, counts] of Object.entries(entry.counts)) {
    await sql.query(
      `insert into aura.source_counts (dataset_id, source, n_read, n_accepted, n_quarantined, by_reason)
       values ($1, $2, $3, $4, $5, $6)`,
      [entry.id, source, counts.read, counts.accepted, counts.quarantined, json(counts.byReason)],
    );
  }
}

async function insertQuarantine(sql: Sql, entry: DatasetEntry): Promise<void> {
  for (let start = 0; start < entry.quarantine.length; start += BATCH_ROWS) {
    const rows = entry.quarantine.slice(start, start + BATCH_ROWS);
    await sql.query(
      `insert into aura.quarantine (dataset_id, position, source, file, line, code, message, row_text)
       select $1, $2 + n - 1, source, file, line, code, message, row_text
         from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[])
              with ordinality as u (source, file, line, code, message, row_text, n)`,
      [
        entry.id,
        start,
        rows.map((r) => r.source),
        rows.map((r) => storableText(r.file)),
        rows.map((r) => r.line),
        rows.map((r) => r.code),
        rows.map((r) => storableText(r.message)),
        rows.map((r) => storableText(r.text)),
      ],
    );
  }
}

/** An asset that changes its site is seen by other keys from then on. */
function movedAudit({ id, audit }: DatasetEntry, moved: readonly MovedAsset[]): AuditEntry {
  const details = { dataset: id, assets: moved.length, first: moved.slice(0, 20) };
  return { ...audit, action: "asset.move", subject: `dataset/${id}`, details };
}

async function insertAssets(sql: Sql, entry: DatasetEntry): Promise<void> {
  // In one order everywhere, so that two datasets with the same assets cannot deadlock.
  const assets = [...entry.assets].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (let start = 0; start < assets.length; start += BATCH_ROWS) {
    const rows = assets.slice(start, start + BATCH_ROWS);
    const ids = rows.map((a) => a.id);
    await sql.query(
      "insert into aura.assets (asset_id) select distinct on (id) id from unnest($1::text[]) as u (id) order by id on conflict do nothing",
      [ids],
    );
    await sql.query(
      `insert into aura.dataset_assets (dataset_id, source, asset_id, n_rows, first_t, last_t)
       select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])`,
      [
        entry.id,
        rows.map((a) => a.source),
        ids,
        rows.map((a) => a.rows),
        rows.map((a) => a.firstT),
        rows.map((a) => a.lastT),
      ],
    );
  }
}

async function* copyText(
  key: number,
  batches: AsyncIterable<StagedRow[]>,
  counted: { rows: number },
): AsyncIterable<string> {
  for await (const batch of batches) {
    let text = "";
    for (const row of batch) {
      const values = row.values.map((v) => (v === null ? "NULL" : String(v))).join(",");
      text += `${key}\t${row.seq}\t${copyField(row.asset)}\t${row.t}\t{${values}}\n`;
    }
    counted.rows += batch.length;
    if (text !== "") yield text;
  }
}
