import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { Retrain, RetrainRefusal } from "../../../../schemas/runs/retrain.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port.ts";
import type {
  Refused,
  RetrainAnswer,
  RetrainEnd,
  RetrainRequest,
  RetrainStore,
} from "../../port/retrains.ts";

const HOUR_MS = 3_600_000;
const HOURS_OF_DAY = 24;

/** A refusal, and what was in the way. */
type Blocked = Refused & { readonly by: string };

const RETRAIN_COLUMNS = `t.model, t.time_window as window, 'retrain/' || t.model || '/' || t.time_window as "workflowId",
  t.trigger, t.reason, t.requested_by as "requestedBy", t.asked_at as "askedAt", t.state, t.outcome,
  r.run_id as "runId", r.version, t.message, t.finished_at as "finishedAt"`;

/** The newest run that carries the retrain as its schedule key. */
const WITH_RUN = `left join lateral (
  select run_id, version from aura.runs where model = t.model and schedule_key = 'retrain/' || t.time_window
   order by started_at desc limit 1) r on true`;

/** Retrains by model and window; requests of one model lock the model's row and so come one after the other. */
export class PostgresRetrainStore implements RetrainStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  ask(request: RetrainRequest, audit: AuditEntry): Promise<RetrainAnswer> {
    return this.#pool.transaction(async (tx) => {
      await lockModel(tx, request.model);
      const [repeated] = await tx.query<{ window: string }>(
        "select time_window as window from aura.retrains where request_key = $1",
        [request.requestKey],
      );
      if (repeated !== undefined) return repeated;
      const blocked = await findBlock(tx, request);
      if (blocked !== undefined) {
        const { by, ...refused } = blocked;
        await countRefusal(tx, request, { ...refused, by });
        return { refused };
      }
      await insert(tx, request);
      await appendAudit(tx, audit);
      return { window: request.window };
    });
  }

  async refuse(
    request: Pick<RetrainRequest, "model" | "trigger" | "requestKey">,
    refused: Refused,
  ): Promise<void> {
    await countRefusal(this.#pool, request, { ...refused, by: "" });
  }

  begin(
    { model, window, reason }: Pick<RetrainRequest, "model" | "window" | "reason">,
    audit: AuditEntry,
  ): Promise<RetrainRequest["requestedBy"]> {
    return this.#pool.transaction(async (tx) => {
      await lockModel(tx, model);
      const [open] = await openOf(tx, model);
      if (open !== undefined && open.window !== window)
        throw refusal(model, window, `${open.window} is open`);
      if (open === undefined) await openUnasked(tx, { model, window, reason });
      const changed = await tx.query(
        `update aura.retrains set state = 'running' where model = $1 and time_window = $2 and state = 'asked'
         returning model`,
        [model, window],
      );
      if (changed.length > 0) await appendAudit(tx, audit);
      return requesterOf(tx, { model, window });
    });
  }

  async finish(
    { model, window }: Pick<RetrainRequest, "model" | "window">,
    { state, outcome, message }: RetrainEnd,
    audit: AuditEntry,
  ): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      const changed = await tx.query(
        `update aura.retrains set state = $3, outcome = $4, message = $5, finished_at = clock_timestamp()
          where model = $1 and time_window = $2 and finished_at is null returning model`,
        [model, window, state, outcome ?? null, message === undefined ? null : storableText(message)],
      );
      if (changed.length > 0) await appendAudit(tx, audit);
    });
  }

  async newLabels(model: string, version: number): Promise<number> {
    const [row] = await this.#pool.query<{ n: number }>(
      `with since as (
         select v.dataset_id, greatest(v.created_at, (select max(asked_at) from aura.retrains where model = $1)) as at
           from aura.model_versions v where v.model = $1 and v.version = $2)
       select count(*)::int as n from since join aura.observed_labels l on l.created_at > since.at
        where l.state = 'valid' and l.kind <> 'event_free' and (
          exists (select from aura.dataset_assets a
                   where a.dataset_id = since.dataset_id and a.asset_id = l.asset_id)
          or exists (select from aura.prediction_index p
                      where p.prediction_id = l.prediction_id and p.model = $1))`,
      [model, version],
    );
    return row?.n ?? 0;
  }

  async open(model: string): Promise<Retrain | undefined> {
    const [row] = await openOf(this.#pool, model);
    return row;
  }

  list({ model, limit }: { readonly model?: string; readonly limit: number }): Promise<Retrain[]> {
    return this.#pool.query(
      `select ${RETRAIN_COLUMNS} from aura.retrains t ${WITH_RUN}
        where $1::text is null or t.model = $1 order by t.asked_at desc, t.time_window desc limit $2`,
      [model ?? null, limit],
    );
  }

  refusals({ model, limit }: { readonly model?: string; readonly limit: number }): Promise<RetrainRefusal[]> {
    return this.#pool.query(
      `select model, trigger, code, message, possible_at as "possibleAt", times, first_at as "firstAt", last_at as "lastAt"
         from aura.retrain_refusals where $1::text is null or model = $1 order by last_at desc limit $2`,
      [model ?? null, limit],
    );
  }
}

function refusal(model: string, window: string, found: string): PlatformError {
  return new PlatformError("conflict", `retrain [${model} ${window}]: ${found}`);
}

/** Of one that was started through Temporal itself. */
async function openUnasked(
  sql: Sql,
  { model, window, reason }: Pick<RetrainRequest, "model" | "window" | "reason">,
): Promise<void> {
  const [over] = await sql.query("select model from aura.retrains where model = $1 and time_window = $2", [
    model,
    window,
  ]);
  if (over !== undefined) throw refusal(model, window, "it is over");
  const asked = { trigger: "manual", requestKey: `retrain/${model}/${window}` } as const;
  await insert(sql, {
    model,
    window,
    reason,
    requestedBy: { id: "temporal", authenticated: false },
    ...asked,
  });
}

async function requesterOf(
  sql: Sql,
  { model, window }: Pick<RetrainRequest, "model" | "window">,
): Promise<RetrainRequest["requestedBy"]> {
  const [row] = await sql.query<{ id: string; authenticated: boolean }>(
    `select requested_by as id, requester_authenticated as authenticated
       from aura.retrains where model = $1 and time_window = $2`,
    [model, window],
  );
  if (row === undefined) throw new Error(`retrain [${model} ${window}]: the row just written is gone`);
  return row;
}

async function lockModel(sql: Sql, model: string): Promise<void> {
  const [row] = await sql.query("select model from aura.models where model = $1 for update", [model]);
  if (row === undefined) throw new PlatformError("not_found", `retrain [${model}]: there is no such model`);
}

function openOf(sql: Sql, model: string): Promise<Retrain[]> {
  return sql.query(
    `select ${RETRAIN_COLUMNS} from aura.retrains t ${WITH_RUN} where t.model = $1 and t.finished_at is null`,
    [model],
  );
}

/** What is in the way of a retrain, in the order in which it would have to end. */
async function findBlock(sql: Sql, request: RetrainRequest): Promise<Blocked | undefined> {
  const { model } = request;
  const [open] = await openOf(sql, model);
  if (open !== undefined) {
    const message = `retrain ${open.window} of ${model} is open since ${open.askedAt}`;
    return { code: "open", message, possibleAt: null, by: open.window };
  }
  const [run] = await sql.query<{ runId: string }>(
    `select run_id as "runId" from aura.runs where model = $1 and status in ('running', 'waiting') limit 1`,
    [model],
  );
  if (run !== undefined) {
    const message = `run ${run.runId} of ${model} goes on`;
    return { code: "run", message, possibleAt: null, by: run.runId };
  }
  return (await isYoung(sql, request)) ?? isTaken(sql, request);
}

/** Of a schedule the window is its own time, whatever release wrote it. */
const ASKED_AT =
  "case when trigger = 'schedule' then least(asked_at, time_window::timestamptz) else asked_at end";

async function isYoung(sql: Sql, { model, coolDownMs, tick }: RetrainRequest): Promise<Blocked | undefined> {
  // Clocks that are put forward bring the next tick of a day or a week sooner by an hour.
  const wantedMs =
    tick === undefined ? coolDownMs : coolDownMs - Math.min(HOUR_MS, coolDownMs / HOURS_OF_DAY);
  const [last] = await sql.query<{ window: string; possibleAt: string; isYoung: boolean }>(
    `select time_window as window, ${ASKED_AT} + $2 * interval '1 millisecond' as "possibleAt",
            ${ASKED_AT} + $2 * interval '1 millisecond' > coalesce($3::timestamptz, clock_timestamp()) as "isYoung"
       from aura.retrains where model = $1 order by asked_at desc limit 1`,
    [model, wantedMs, tick ?? null],
  );
  if (last?.isYoung !== true) return undefined;
  const message = `retrain ${last.window} of ${model} cools down until ${last.possibleAt}`;
  return { code: "cool_down", message, possibleAt: last.possibleAt, by: last.window };
}

/** An alarm about a time that had its retrain: it is older than what was learnt since. */
async function isTaken(sql: Sql, { model, window }: RetrainRequest): Promise<Blocked | undefined> {
  const [same] = await sql.query<{ now: string }>(
    `select clock_timestamp() as now from aura.retrains where model = $1 and time_window = $2`,
    [model, window],
  );
  if (same === undefined) return undefined;
  const message = `window ${window} of ${model} had its retrain; only what happens later starts another`;
  return { code: "cool_down", message, possibleAt: same.now, by: window };
}

async function insert(sql: Sql, request: Omit<RetrainRequest, "coolDownMs" | "tick">): Promise<void> {
  const { model, window, trigger, reason, requestedBy, requestKey } = request;
  await sql.query(
    `insert into aura.retrains (model, time_window, trigger, reason, requested_by, requester_authenticated, request_key)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      model,
      window,
      trigger,
      storableText(reason),
      storableText(requestedBy.id),
      requestedBy.authenticated,
      storableText(requestKey),
    ],
  );
}

/** A retried request is counted once. */
async function countRefusal(
  sql: Sql,
  { model, trigger, requestKey }: Pick<RetrainRequest, "model" | "trigger" | "requestKey">,
  { code, message, possibleAt, by }: Blocked,
): Promise<void> {
  await sql.query(
    `insert into aura.retrain_refusals as f (model, trigger, code, blocked_by, message, possible_at, last_key)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (model, trigger, code, blocked_by) do update set
       message = excluded.message, possible_at = excluded.possible_at, last_at = excluded.last_at,
       times = f.times + (f.last_key <> excluded.last_key)::int, last_key = excluded.last_key`,
    [model, trigger, code, by, storableText(message), possibleAt, storableText(requestKey)],
  );
}
