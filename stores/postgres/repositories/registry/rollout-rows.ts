import type { Sql, SqlValue } from "../../connection/connection-pool.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port.ts";
import type { RolloutChange, RolloutRow } from "../../port/rollouts.ts";
import { raiseAlert, resolveAlerts } from "../serving/alert-store.ts";
import { ALIAS_CHANNEL } from "./promotion.ts";
import { pointRolloutAlias } from "./rollout-aliases.ts";
import { afterChange, fittingChange } from "./rollout-steps.ts";

const COLUMNS = `rollout_id as id, model, version, digest, champion_version as "championVersion",
  champion_digest as "championDigest", approval_id as "approvalId", workflow_id as "workflowId", run_id as "runId", plan,
  state, stage, mode, share, revision, stage_at as "stageAt", bake_until as "bakeUntil", remaining_ms as "remainingMs", is_prolonged as "isProlonged",
  guard, reason, requested_by as "requestedBy", started_at as "startedAt", ended_at as "endedAt",
  (extract(epoch from clock_timestamp() - watched_at) * 1000)::float8 as "unwatchedMs",
  (select v.digest from aura.aliases a join aura.model_versions v using (model, version)
    where a.model = rollouts.model and a.alias = 'champion') as "championNow"`;

/** Kind of the alerts about rollouts. */
const ALERT_KIND = "rollout";

export function selectRollouts(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
): Promise<RolloutRow[]> {
  return sql.query(`select ${COLUMNS} from aura.rollouts ${condition}`, values);
}

export async function findRollout(sql: Sql, id: string): Promise<RolloutRow | undefined> {
  const [row] = await selectRollouts(sql, "where rollout_id = $1", [id]);
  return row;
}

/** The one of the model that is not over. */
export async function openRolloutOf(sql: Sql, model: string): Promise<RolloutRow | undefined> {
  const [row] = await selectRollouts(sql, "where model = $1 and ended_at is null", [model]);
  return row;
}

/**
 * Changes a rollout with all that goes with it, in the caller's transaction, which holds the model's lock. What does not fit
 * the state changes nothing.
 */
export async function applyChange(
  tx: Sql,
  row: RolloutRow,
  asked: RolloutChange,
  audit: AuditEntry,
): Promise<RolloutRow> {
  const change = fittingChange(row, asked);
  const after = afterChange(row, change, await now(tx));
  if (after === undefined) return row;
  await tx.query(
    `update aura.rollouts
          set state = $2, stage = $3, mode = $4, share = $5, revision = $6, stage_at = $7, bake_until = $8,
              remaining_ms = $9, guard = $10, reason = $11, ended_at = $12, is_prolonged = $13
        where rollout_id = $1`,
    [
      row.id,
      after.state,
      after.stage,
      after.mode,
      after.share,
      after.revision,
      after.stageAt,
      after.bakeUntil,
      after.remainingMs,
      after.guard,
      after.reason === null ? null : storableText(after.reason),
      after.endedAt,
      after.isProlonged,
    ],
  );
  const told = change === asked ? audit : { ...audit, details: { ...audit.details, became: change.kind } };
  await tellChange(tx, after, change, told);
  return after;
}

export async function lockModel(sql: Sql, model: string): Promise<void> {
  await sql.query("select model from aura.models where model = $1 for update", [model]);
}

async function now(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ ms: number }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
  );
  return row?.ms ?? Date.now();
}

/** What goes with every change: event, aliases, alert, audit row, and the word to those who serve. */
export async function tellChange(
  sql: Sql,
  row: RolloutRow,
  change: RolloutChange | { readonly kind: "opened"; readonly reason: string },
  audit: AuditEntry,
): Promise<void> {
  const { actor } = audit;
  await sql.query(
    `insert into aura.rollout_events (rollout_id, position, kind, state, stage, share, actor_id, actor_authenticated,
                                      reason, details)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      row.id,
      row.revision,
      change.kind,
      row.state,
      row.stage,
      row.share,
      storableText(actor.id),
      actor.authenticated,
      storableText(change.reason),
      json("details" in change ? change.details : {}),
    ],
  );
  await pointRolloutAlias(sql, row, audit);
  await tellPeople(sql, row, change.kind);
  await appendAudit(sql, audit);
  await sql.query("select pg_notify($1, $2)", [ALIAS_CHANNEL, row.model]);
}

/** A rollback, and a rollout that waits for a person, are told of; the next change ends the waiting. */
async function tellPeople(sql: Sql, row: RolloutRow, kind: RolloutChange["kind"] | "opened"): Promise<void> {
  const subject = `model/${row.model}`;
  const { id, model, version, reason, guard } = row;
  if (kind === "opened" || kind === "continued") await resolveAlerts(sql, ALERT_KIND, subject);
  if (kind === "promoted") await resolveAlerts(sql, ALERT_KIND, subject);
  if (kind !== "rolled_back" && kind !== "paused") return;
  await raiseAlert(sql, {
    key: `rollout/${id}/${kind}/${row.revision}`,
    kind: ALERT_KIND,
    severity: kind === "paused" ? "info" : "warning",
    subject,
    message:
      kind === "paused"
        ? `the rollout of ${model}@${version} is paused: ${reason ?? ""}`
        : `the rollout of ${model}@${version} was rolled back [${guard ?? ""}]: ${reason ?? ""}`,
    details: { rollout: id, version, stage: row.stage, share: row.share },
  });
}
