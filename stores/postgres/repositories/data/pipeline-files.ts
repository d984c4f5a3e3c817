import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { Sql } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port.ts";

export interface PipelineFile {
  readonly name: string;
  readonly object: ObjectRef;
}

/** Adds or replaces files by name; adding what is there already changes and audits nothing. */
export async function upsertPipelineFiles(
  tx: Sql,
  pipeline: string,
  files: readonly PipelineFile[],
  audit: AuditEntry,
): Promise<void> {
  // Names in one order, so that two callers cannot deadlock; of two with one name the later counts.
  const byName = new Map(files.map((f) => [storableText(f.name), f.object]));
  const rows = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  const changed = await tx.query(
    `insert into aura.pipeline_files as f (pipeline, name, object_key, object_sha256, object_bytes, added_by)
     select $1, name, key, sha256, bytes, $2
       from unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) as u (name, key, sha256, bytes)
     on conflict (pipeline, name) do update
       set object_key = excluded.object_key, object_sha256 = excluded.object_sha256,
           object_bytes = excluded.object_bytes, added_by = excluded.added_by, added_at = clock_timestamp()
     where f.object_sha256 <> excluded.object_sha256
     returning name`,
    [
      pipeline,
      storableText(audit.actor.id),
      rows.map(([name]) => name),
      rows.map(([, o]) => o.key),
      rows.map(([, o]) => o.sha256),
      rows.map(([, o]) => o.bytes),
    ],
  );
  if (changed.length > 0) await appendAudit(tx, audit);
}

export async function selectPipelineFiles(
  sql: Sql,
  pipeline: string,
): Promise<{ name: string; object: ObjectRef }[]> {
  return sql.query(
    `select name, json_build_object('key', object_key, 'sha256', object_sha256, 'bytes', object_bytes) as object
       from aura.pipeline_files where pipeline = $1 order by name`,
    [pipeline],
  );
}
