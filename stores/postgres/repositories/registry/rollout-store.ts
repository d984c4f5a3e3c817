import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port.ts";
import type {
  BreakGlass,
  BreakGlassResult,
  NewRollout,
  RolloutChange,
  RolloutEvent,
  RolloutRow,
  RolloutStats,
  RolloutStore,
  ServingRollout,
} from "../../port/rollouts.ts";
import { breakGlass } from "./break-glass.ts";
import { requireSameChampion } from "./promotion.ts";
import {
  applyChange,
  findRollout,
  lockModel,
  openRolloutOf,
  selectRollouts,
  tellChange,
} from "./rollout-rows.ts";
import { selectVersions } from "./version-rows.ts";

/** Rollouts. The model's row is locked before the rollout's own, as promotions do, so that the two never cross. */
export class PostgresRolloutStore implements RolloutStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  open(rollout: NewRollout, audit: AuditEntry): Promise<RolloutRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      await lockModel(tx, rollout.model);
      const known = await findRollout(tx, rollout.id);
      if (known !== undefined) return known;
      const [champion] = await tx.query<{ version: number; digest: string }>(
        `select v.version, v.digest from aura.aliases a join aura.model_versions v using (model, version)
          where a.model = $1 and a.alias = 'champion'`,
        [rollout.model],
      );
      if (champion === undefined || champion.digest === rollout.digest) return undefined;
      const other = await openRolloutOf(tx, rollout.model);
      if (other !== undefined)
        throw new PlatformError(
          "conflict",
          `roll out [${rollout.model}@${rollout.version}]: the rollout of version ${other.version} goes on (${other.id})`,
        );
      // Its promotion would be refused, but only after all stages.
      await requireSameChampion(tx, rollout, champion);
      const opened = await insertRollout(tx, rollout, champion);
      await tellChange(tx, opened, { kind: "opened", reason: "" }, audit);
      return opened;
    });
  }

  get(id: string): Promise<RolloutRow | undefined> {
    return findRollout(this.#pool, id);
  }

  async watched(id: string): Promise<void> {
    await this.#pool.query(
      "update aura.rollouts set watched_at = clock_timestamp() where rollout_id = $1 and ended_at is null",
      [id],
    );
  }

  async latest(model: string, version?: number): Promise<RolloutRow | undefined> {
    const [row] = await selectRollouts(
      this.#pool,
      "where model = $1 and ($2::int is null or version = $2) order by ended_at is null desc, started_at desc limit 1",
      [model, version ?? null],
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
      const named = await findRollout(tx, id);
      if (named === undefined) throw new PlatformError("not_found", `rollout [${id}]: there is none`);
      await lockModel(tx, named.model);
      const row = (await findRollout(tx, id)) ?? named;
      return applyChange(tx, row, change, audit);
    });
  }

  breakGlass(p: BreakGlass, audit: AuditEntry): Promise<BreakGlassResult> {
    return this.#pool.transaction((tx) => breakGlass(tx, p, audit));
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
  const row = await findRollout(sql, id);
  if (row === undefined) throw new Error(`rollout [${id}]: the row just written is gone`);
  return row;
}
