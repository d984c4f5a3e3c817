import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { Sql } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry, ThresholdEvent } from "../../port.ts";
import { ALIAS_CHANNEL } from "./promotion.ts";

export type ThresholdChange = Pick<ThresholdEvent, "model" | "version" | "threshold" | "basis" | "reason">;

/**
 * Appends a threshold event inside the caller's transaction. The model's row is locked first, so that changes of one model
 * are one after the other; NOTIFY is sent at commit only.
 */
export async function changeThreshold(
  sql: Sql,
  change: ThresholdChange,
  audit: AuditEntry,
): Promise<ThresholdEvent> {
  const { model, version, threshold } = change;
  await sql.query("select model from aura.models where model = $1 for update", [model]);
  const [known] = await sql.query(
    "select version from aura.model_versions where model = $1 and version = $2",
    [model, version],
  );
  if (known === undefined) throw new PlatformError("not_found", `model [${model}]: no version ${version}`);
  const [last] = await selectThresholds(sql, model, version);
  if (last?.threshold === threshold) return shown(last);
  await sql.query(
    `insert into aura.threshold_events (model, version, position, previous_position, threshold, basis, actor_id,
                                        actor_authenticated, reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      model,
      version,
      (last?.position ?? 0) + 1,
      last?.position ?? null,
      threshold,
      json(change.basis),
      storableText(audit.actor.id),
      audit.actor.authenticated,
      storableText(change.reason),
    ],
  );
  await appendAudit(sql, audit);
  await sql.query("select pg_notify($1, $2)", [ALIAS_CHANNEL, model]);
  const [event] = await selectThresholds(sql, model, version);
  if (event === undefined) throw new Error(`set threshold [${model}]: the event just written is gone`);
  return shown(event);
}

/** Newest first. */
export async function readThresholds(sql: Sql, model: string, version: number): Promise<ThresholdEvent[]> {
  return (await selectThresholds(sql, model, version)).map(shown);
}

type StoredThreshold = ThresholdEvent & { readonly position: number };

function selectThresholds(sql: Sql, model: string, version: number): Promise<StoredThreshold[]> {
  return sql.query<StoredThreshold>(
    `select model, version, threshold, basis, at, actor_id as actor, reason, position
       from aura.threshold_events where model = $1 and version = $2 order by position desc`,
    [model, version],
  );
}

function shown({ position: _position, ...event }: StoredThreshold): ThresholdEvent {
  return event;
}
