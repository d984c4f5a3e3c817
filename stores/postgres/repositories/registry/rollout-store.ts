import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, SqlValue } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port.ts";
import type {
  NewRollout,
  RolloutChange,
  RolloutEvent,
  RolloutRow,
  RolloutStats,
  RolloutStore,
  ServingRollout,
} from "../../port/rollouts.ts";
import { raiseAlert, resolveAlerts } from "../serving/alert-store.ts";
import { ALIAS_CHANNEL } from "./promotion.ts";
import { afterChange } from "./rollout-steps.ts";
import { pointRolloutAlias } from "./rollout-aliases.ts";
import { selectVersions } from "./version-rows.ts";

const COLUMNS = `rollout_id as id, model, version, digest, champion_version as "championVersion",
  champion_digest as "championDigest", approval_id as "approvalId", workflow_id as "workflowId", run_id as "runId", plan,
  state, stage, mode, share, revision, stage_at as "stageAt", bake_until as "bakeUntil", remaining_ms as "remainingMs", is_prolonged as "isProlonged",
  guard, reason, requested_by as "requestedBy", started_at as "startedAt", ended_at as "endedAt",
  (select v.digest from aura.aliases a join aura.model_versions v using (model, version)
    where a.model = rollouts.model and a.alias = 'champion') as "championNow"`;

/** Kind of the alerts about rollouts. */
const ALERT_KIND = "rollout";

/** Rollouts. The model's row is locked before the rollout's own, as promotions do, so that the two never cross. */
export class PostgresRolloutStore implements RolloutStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  open(rollout: NewRollout, audit: AuditEntry): Promise<RolloutRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      await lockModel(tx, rollout.model);
      const known = await find(tx, rollout.id);
      if (known !== undefined) return known;
      const [champion] = await tx.query<{ version: number; digest: string }>(
        `select v.version, v.digest from aura.aliases a join aura.model_versions v using (model, version)
          where a.model = $1 and a.alias = 'champion'`,
        [rollout.model],
      );
      if (champion === undefined || champion.digest === rollout.digest) return undefined;
      const [other] = await selectRollouts(tx, "where model = $1 and ended_at is null", [rollout.model]);
      if (other !== undefined)
        throw new PlatformError(
          "conflict",
          `roll out [${rollout.model}@${rollout.version}]: the rollout of version ${other.version} goes on (${other.id})`,
        );
      const opened = await insertRollout(tx, rollout, champion);
      await tellChange(tx, opened, { kind: "opened", reason: "" }, audit);
      return opened;
    });
  }

  get(id: string): Promise<RolloutRow | undefined> {
    return find(this.#pool, id);
  }

  async latest(model: string): Promise<RolloutRow | undefined> {
    const [row] = await selectRollouts(
      this.#pool,
      "where model = $1 order by ended_at is null desc, started_at desc limit 1",
      [model],
    );
    return row;
  }

  list({
    model,
    isOpen,
    limit,
  }: {
    readonly model?: string;
    readonly isOpen?: boolean;
    readonly limit: number;
  }): Promise<RolloutRow[]> {
    return selectRollouts(
      this.#pool,
      `where ($1::text is null or model = $1) and ($2::boolean is null or (ended_at is null) = $2)
       order by started_at desc, rollout_id limit $3`,
      [model ?? null, isOpen ?? null, limit],
    );
  }

  events(id: string): Promise<RolloutEvent[]> {
    return this.#pool.query(
      `select position, kind, state, stage, share, actor_id as actor, actor_authenticated as authenticated, reason,
              details, at
         from aura.rollout_events where rollout_id = $1 order by position`,
      [id],
    );
  }

  change(id: string, change: RolloutChange, audit: AuditEntry): Promise<RolloutRow> {
    return this.#pool.transaction(async (tx) => {
      const named = await find(tx, id);
      if (named === undefined) throw new PlatformError("not_found", `rollout [${id}]: there is none`);
      await lockModel(tx, named.model);
      const row = (await find(tx, id)) ?? named;
      const after = afterChange(row, change, await now(tx));
      if (after === undefined) return row;
      await tx.query(
        `update aura.rollouts
            set state = $2, stage = $3, mode = $4, share = $5, revision = $6, stage_at = $7, bake_until = $8,
                remaining_ms = $9, guard = $10, reason = $11, ended_at = $12, is_prolonged = $13
          where rollout_id = $1`,
        [
          id,
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
      await tellChange(tx, after, change, audit);
      return after;
    });
  }

  async serving(model?: string): Promise<ServingRollout[]> {
    const open = await selectRollouts(
      this.#pool,
      `where ($1::text is null or model = $1)
         and (ended_at is null or (state = 'promoted' and ended_at > clock_timestamp() - interval '1 minute'))
       order by model, started_at`,
      [model ?? null],
    );
    const found = await Promise.all(
      open.map(async (row): Promise<ServingRollout[]> => {
        const [version] = await selectVersions(this.#pool, "where v.model = $1 and v.version = $2", [
          row.model,
          row.version,
        ]);
        const { id: rolloutId, stage, mode, share } = row;
        const isPromoted = row.state === "promoted";
        return version === undefined ? [] : [{ rolloutId, stage, mode, share, version, isPromoted }];
      }),
    );
    return found.flat();
  }

  async putStats({ rolloutId, stage, reporter, counts, sample }: Parameters<RolloutStore["putStats"]>[0]) {
    await this.#pool.query(
      `insert into aura.rollout_stats (rollout_id, stage, reporter, counts, sample)
       select $1, $2, $3, $4, $5
        where exists (select from aura.rollouts where rollout_id = $1 and ended_at is null)
       on conflict (rollout_id, stage, reporter) do update
          set counts = excluded.counts, sample = excluded.sample, at = clock_timestamp()`,
      [rolloutId, stage, reporter, json(counts), json(sample)],
    );
  }

  stats(id: string, stage: number): Promise<RolloutStats[]> {
    return this.#pool.query(
      "select reporter, counts, sample, at from aura.rollout_stats where rollout_id = $1 and stage = $2 order by reporter",
      [id, stage],
    );
  }
}

async function lockModel(sql: Sql, model: string): Promise<void> {
  await sql.query("select model from aura.models where model = $1 for update", [model]);
}

async function now(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ ms: number }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
  );
  return row?.ms ?? Date.now();
}

function selectRollouts(sql: Sql, condition: string, values: readonly SqlValue[]): Promise<RolloutRow[]> {
  return sql.query(`select ${COLUMNS} from aura.rollouts ${condition}`, values);
}

async function find(sql: Sql, id: string): Promise<RolloutRow | undefined> {
  const [row] = await selectRollouts(sql, "where rollout_id = $1", [id]);
  return row;
}

async function insertRollout(
  sql: Sql,
  rollout: NewRollout,
  champion: { readonly version: number; readonly digest: string },
): Promise<RolloutRow> {
  const first = rollout.plan.stages[0];
  if (first === undefined)
    throw new PlatformError("conflict", `roll out [${rollout.model}]: the plan has no stage`);
  const { id, model, version, digest, approvalId, workflowId, runId, plan, requestedBy } = rollout;
  await sql.query(
    `insert into aura.rollouts (rollout_id, model, version, digest, champion_version, champion_digest, approval_id,
                                workflow_id, run_id, plan, state, mode, share, revision, bake_until, requested_by,
                                requester_authenticated)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', $11, $12, 1,
             clock_timestamp() + $13 * interval '1 millisecond', $14, $15)`,
    [
      id,
      model,
      version,
      digest,
      champion.version,
      champion.digest,
      approvalId,
      workflowId,
      runId,
      json(plan),
      first.mode,
      first.share,
      first.bakeMs,
      storableText(requestedBy),
      rollout.requesterAuthenticated,
    ],
  );
  const row = await find(sql, id);
  if (row === undefined) throw new Error(`rollout [${id}]: the row just written is gone`);
  return row;
}

/** What goes with every change: event, aliases, alert, audit row, and the word to those who serve. */
async function tellChange(
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
