import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import type { AuditEntry, ExpiredDataset, RetentionStore } from "../../port.ts";

/** A span as pipeline files write it (`m` is months), added to when the dataset was made; anything else never ends. */
const ENDS_AT = `case when d.retention ~ '^\\d{1,4}[dwmy]$'
  then d.created_at + replace(d.retention, 'm', ' months')::interval end`;

/** Longer than a fleet score or a step of a run takes. */
const UNUSED_FOR = "24 hours";

/** Names of what needs a dataset `d`, as one text[]. */
const NEEDED_BY = `array(
  select v.model || '@' || v.version from aura.model_versions v where v.dataset_id = d.dataset_id
  union select rv.model || '@' || rv.version from aura.run_versions rv join aura.runs r using (run_id)
         where r.dataset_id = d.dataset_id::text
  union select 'holdout of ' || h.model from aura.holdouts h where h.dataset_id = d.dataset_id
  union select 'holdout of ' || h.model from aura.version_holdouts h where h.dataset_id = d.dataset_id
  union select 'open run' from aura.runs r
         where r.pipeline = d.pipeline::text and r.status in ('running', 'waiting')
  order by 1)`;

/** Rows of a dataset in tables of their own, in an order that foreign keys allow. */
const DATASET_TABLES = [
  "labels",
  "quarantine",
  "source_counts",
  "batches",
  "dataset_assets",
  "dataset_files",
  "staged_sources",
] as const;

/** Expiry of replies and of datasets. What is needed is asked in the statement that removes, never before it. */
export class PostgresRetentionStore implements RetentionStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async expireReplies(before: string, limit: number): Promise<number> {
    const [row] = await this.#pool.query<{ n: number }>(
      `with gone as (
         delete from aura.idempotency_keys where ctid in (
           select ctid from aura.idempotency_keys where created_at < $1 and claimed_at < $1
            order by created_at limit $2 for update skip locked)
         returning 1)
       select count(*) as n from gone`,
      [before, limit],
    );
    return row?.n ?? 0;
  }

  async expireAlerts(before: string, limit: number): Promise<number> {
    const [row] = await this.#pool.query<{ n: number }>(
      `with old as materialized (
         select a.alert_id from aura.alerts a
          where a.resolved_at < $1
            and not exists (select from aura.alert_events e left join aura.alert_deliveries d using (event_id)
                             where e.alert_id = a.alert_id
                               and (d.state = 'waiting' or e.event_id > (select event_id from aura.alert_dispatch)))
          order by a.resolved_at, a.alert_id limit $2 for update of a skip locked),
       events as materialized (
         select event_id from aura.alert_events where alert_id in (select alert_id from old)),
       deliveries as (
         delete from aura.alert_deliveries where event_id in (select event_id from events) returning channel, state),
       counted as (
         insert into aura.alert_delivery_totals as t (channel, state, n)
         select channel, state, count(*) from deliveries group by channel, state order by channel, state
         on conflict (channel, state) do update set n = t.n + excluded.n),
       told as (delete from aura.alert_events where event_id in (select event_id from events)),
       gone as (delete from aura.alerts where alert_id in (select alert_id from old) returning 1)
       select count(*)::int as n from gone`,
      [before, limit],
    );
    return row?.n ?? 0;
  }

  expired(limit: number): Promise<ExpiredDataset[]> {
    return this.#pool.query(
      `select d.dataset_id::text as id, d.pipeline::text as pipeline, d.owner, d.retention, d.n_rows as rows,
              d.created_at as "createdAt", ${NEEDED_BY} as "neededBy"
         from aura.datasets d where ${ENDS_AT} < clock_timestamp()
        order by d.created_at, d.dataset_id limit $1`,
      [limit],
    );
  }

  featureSets({ dataset, isOthers = false }: { dataset: string; isOthers?: boolean }): Promise<ObjectRef[]> {
    return this.#pool.query(
      `select manifest_key as key, manifest_sha256::text as sha256, manifest_bytes as bytes
         from aura.feature_sets where (dataset_id <> $1) = $2 order by created_at`,
      [dataset, isOthers],
    );
  }

  async removeDataset(id: string, objectKeys: readonly string[], audit: AuditEntry): Promise<boolean> {
    return this.#pool.transaction(async (tx) => {
      // A million staged rows and labels take their time.
      await tx.query("set local statement_timeout = 0");
      const [row] = await tx.query<{ neededBy: string[] }>(
        `select ${NEEDED_BY} as "neededBy" from aura.datasets d
          where d.dataset_id = $1 and ${ENDS_AT} < clock_timestamp() for update of d`,
        [id],
      );
      if (row === undefined || row.neededBy.length > 0) return false;
      await queueObjects(tx, id, objectKeys);
      await forgetResults(tx, id);
      await deleteRows(tx, id);
      await appendAudit(tx, audit);
      return true;
    });
  }

  async removeObjects(limit: number, remove: (key: string) => Promise<void>): Promise<number> {
    await this.#pool.query(
      `delete from aura.object_removals q
        where exists (select from aura.dataset_files f where f.object_key = q.object_key)
           or exists (select from aura.pipeline_files p where p.object_key = q.object_key)
           or exists (select from aura.feature_sets s where s.manifest_key = q.object_key)
           or exists (select from aura.documents t where t.object_key = q.object_key)
           or exists (select from aura.reading_uploads u where u.object_key = q.object_key)
           or exists (select from aura.datasets d
                       where d.manifest_key = q.object_key or strpos(d.manifest::text, q.object_key) > 0)
           or exists (select from aura.runs r join aura.run_versions v using (run_id)
                       where strpos(r.files::text, q.object_key) > 0)`,
    );
    return this.#pool.transaction(async (tx) => {
      const rows = await tx.query<{ key: string }>(
        `select q.object_key as key from aura.object_removals q
          where q.queued_at < clock_timestamp() - interval '${UNUSED_FOR}'
            and not exists (select from aura.runs r where r.status in ('running', 'waiting')
                               and (r.pipeline = q.pipeline or strpos(r.files::text, q.object_key) > 0))
          order by q.queued_at, q.object_key limit $1 for update of q skip locked`,
        [limit],
      );
      for (const { key } of rows) await remove(key);
      await tx.query("delete from aura.object_removals where object_key = any ($1::text[])", [
        rows.map(({ key }) => key),
      ]);
      return rows.length;
    });
  }

  async useObjects(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#pool.query(
      `with used as (select object_key from aura.object_removals where object_key = any ($1::text[])
                      order by object_key for update)
       update aura.object_removals q set queued_at = clock_timestamp()
         from used where q.object_key = used.object_key`,
      [keys],
    );
  }
}

async function queueObjects(sql: Sql, id: string, objectKeys: readonly string[]): Promise<void> {
  await sql.query(
    `insert into aura.object_removals (object_key, pipeline)
     select k.key, d.pipeline from aura.datasets d cross join lateral (
       select d.manifest_key as key
       union select object_key from aura.dataset_files where dataset_id = d.dataset_id
       union select manifest_key from aura.feature_sets where dataset_id = d.dataset_id
       union select part -> 'object' ->> 'key'
               from json_each(d.manifest -> 'sources') s, json_array_elements(s.value -> 'parts') part
       union select d.manifest -> 'quarantine' -> 'object' ->> 'key'
       union select unnest($2::text[])) k
      where d.dataset_id = $1 and k.key is not null on conflict do nothing`,
    [id, objectKeys],
  );
}

/** Cached results that name the dataset or a document of it would send the next run to objects that are gone. */
async function forgetResults(sql: Sql, id: string): Promise<void> {
  await sql.query(
    `delete from aura.stage_cache c
      where strpos(c.result::text, $1) > 0
         or exists (select from aura.feature_sets s
                     where s.dataset_id = $1 and strpos(c.result::text, s.manifest_key) > 0)
         or exists (select from aura.datasets d
                     where d.dataset_id = $1 and strpos(c.result::text, d.manifest_key) > 0)`,
    [id],
  );
}

async function deleteRows(sql: Sql, id: string): Promise<void> {
  await sql.query(
    `delete from aura.feature_store f using aura.feature_sets s
      where s.dataset_id = $1 and f.view_hash = s.view_hash and f.fitted_hash = s.fitted_hash
        and not exists (select from aura.feature_sets o where o.dataset_id <> $1
                           and o.view_hash = s.view_hash and o.fitted_hash = s.fitted_hash)`,
    [id],
  );
  await sql.query("delete from aura.feature_sets where dataset_id = $1", [id]);
  await sql.query(
    "delete from aura.staged_rows where staged_key in (select staged_key from aura.staged_sources where dataset_id = $1)",
    [id],
  );
  for (const table of DATASET_TABLES)
    await sql.query(`delete from aura.${table} where dataset_id = $1`, [id]);
  await sql.query("delete from aura.datasets where dataset_id = $1", [id]);
}
