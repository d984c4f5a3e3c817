import type { CodeVersion } from "../../../../schemas/code-version.ts";
import type { Evaluation, GateResult, VersionManifest } from "../../../../schemas/models/model-version.ts";
import type { Sql, SqlValue } from "../../connection/connection-pool.ts";
import type { AliasEvent, VersionRow } from "../../port.ts";

interface StoredVersion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly manifest: VersionManifest;
  readonly evaluation: Evaluation;
  readonly gates: GateResult[];
  readonly dataset_id: string;
  readonly run_id: string;
  readonly stage: VersionRow["stage"];
  readonly aliases: string[];
  readonly created_at: string;
  readonly threshold: number | null;
  readonly code: CodeVersion | null;
}

/** Versions with the aliases that point at them now; `condition` is constant SQL over `v`. */
export async function selectVersions(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
): Promise<VersionRow[]> {
  const rows = await sql.query<StoredVersion>(
    `select v.model, v.version, v.digest, v.manifest, v.evaluation, v.gates, v.dataset_id, v.run_id, v.created_at, v.code,
            (select s.stage from aura.version_stages s where s.model = v.model and s.version = v.version) as stage,
            array(select a.alias from aura.aliases a where a.model = v.model and a.version = v.version
                   order by a.alias) as aliases,
            (select e.threshold from aura.threshold_events e where e.model = v.model and e.version = v.version
              order by e.position desc limit 1) as threshold
       from aura.model_versions v ${condition}`,
    values,
  );
  return rows.map((row) => ({
    model: row.model,
    version: row.version,
    digest: row.digest,
    manifest: row.manifest,
    evaluation: row.evaluation,
    gates: row.gates,
    dataset: row.dataset_id,
    runId: row.run_id,
    stage: row.stage,
    aliases: row.aliases,
    createdAt: row.created_at,
    ...(row.threshold === null ? {} : { threshold: row.threshold }),
    code: row.code,
  }));
}

/** Alias events as the port shows them, with their place in the history; `condition` is constant SQL over `e`. */
export function selectEvents(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
): Promise<(AliasEvent & { position: number; requestId: string })[]> {
  return sql.query(
    `select e.model, e.alias, e.version, e.digest, e.previous_version as "previousVersion", e.at,
            e.actor_id as actor, e.reason, e.approval_id as "approvalId", e.position, e.request_id as "requestId"
       from aura.alias_events e ${condition}`,
    values,
  );
}
