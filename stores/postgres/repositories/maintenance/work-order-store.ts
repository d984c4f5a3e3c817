import { canonicalJson } from "../../../../schemas/canonical-json.ts";
import { stateAfterEvent } from "../../../../schemas/maintenance/work-order.ts";
import type { RecordedEvent, WorkOrder, WorkOrderEvent } from "../../../../schemas/maintenance/work-order.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, SqlValue, Transaction } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type { EventSender, WorkOrderFilter, WorkOrderStore } from "../../port/maintenance.ts";
import { atSites } from "./recommendation-rows.ts";

const SELECT = `select w.work_order_id as id, w.recommendation_id as "recommendationId", r.model, r.asset_id as asset,
    w.state, w.document, w.channel, w.external_id as "externalId", w.n_attempts as attempts, w.status, w.reason, w.outcome,
    w.label_id as "labelId", w.created_at as "createdAt", w.sent_at as "sentAt", w.closed_at as "closedAt"
  from aura.work_orders w join aura.recommendations r using (recommendation_id)`;
const UNENDED = ["created", "sent", "undelivered", "acknowledged", "in_progress"];
const MAX_REASON = 500;

/** Work orders as rows; every change locks its row first. */
export class PostgresWorkOrderStore implements WorkOrderStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  make(...[order, audit]: Parameters<WorkOrderStore["make"]>): Promise<WorkOrder> {
    const { id, recommendationId, channel, document } = order;
    return this.#pool.transaction(async (tx) => {
      const made = await tx.query(
        `insert into aura.work_orders (work_order_id, recommendation_id, channel, document)
         values ($1, $2, $3, $4) on conflict do nothing returning 1`,
        [id, recommendationId, channel, json(document)],
      );
      if (made.length === 0) return requireOrder(tx, id);
      await tx.query(
        "update aura.recommendations set state = 'ordered' where recommendation_id = $1 and closed_at is null",
        [recommendationId],
      );
      await appendAudit(tx, audit);
      return requireOrder(tx, id);
    });
  }

  async get(id: string, sites?: readonly string[]): Promise<WorkOrder | undefined> {
    const condition = `where w.work_order_id = $1 and ${atSites("r.asset_id", 2)}`;
    const [row] = await select(this.#pool, condition, [id, sites ?? null]);
    return row;
  }

  list({ state, model, asset, sites, limit, after }: WorkOrderFilter): Promise<WorkOrder[]> {
    const states = state === undefined ? null : state === "unended" ? UNENDED : [state];
    return select(
      this.#pool,
      `where ($1::text[] is null or w.state = any ($1)) and ($2::text is null or r.model = $2)
         and ($3::text is null or r.asset_id = $3) and ${atSites("r.asset_id", 4)}
         and ($5::text is null or (w.created_at, w.work_order_id) <
              (select o.created_at, o.work_order_id from aura.work_orders o where o.work_order_id = $5))
       order by w.created_at desc, w.work_order_id desc limit $6`,
      [states, model ?? null, asset ?? null, sites ?? null, after ?? null, limit],
    );
  }

  events(id: string): Promise<RecordedEvent[]> {
    return this.#pool.query(
      `select event_id as "eventId", kind, at, said_by as by, authenticated, document
         from aura.work_order_events where work_order_id = $1 order by position`,
      [id],
    );
  }

  attempted(
    ...[id, { state, status, reason }, audit]: Parameters<WorkOrderStore["attempted"]>
  ): Promise<void> {
    return this.#pool.transaction(async (tx) => {
      const text = reason === null ? null : storableText(reason).slice(0, MAX_REASON);
      const changed = await tx.query(
        `update aura.work_orders
            set n_attempts = n_attempts + 1, status = $3, reason = $4, state = $2,
                sent_at = case when $2 = 'sent' then clock_timestamp() else sent_at end
          where work_order_id = $1 and state = 'created' returning 1`,
        [id, state, status, text],
      );
      if (changed.length > 0 && state !== "created") await appendAudit(tx, audit);
    });
  }

  resend(id: string, audit: AuditEntry): Promise<WorkOrder> {
    return this.#pool.transaction(async (tx) => {
      const order = await lock(tx, id);
      const refuse = (why: string) => new PlatformError("conflict", `send work order [${id}] again: ${why}`);
      if (order.state === "closed") throw refuse("it is closed");
      if (order.channel === null) throw refuse("its pipeline declares no channel, it is fetched from here");
      if (order.state === "created") return order;
      if (order.state !== "sent" && order.state !== "undelivered")
        throw refuse(`it is ${order.state.replace("_", " ")}`);
      await tx.query("update aura.work_orders set state = 'created' where work_order_id = $1", [id]);
      await appendAudit(tx, audit);
      return requireOrder(tx, id);
    });
  }

  take(id: string, event: WorkOrderEvent, sender: EventSender, audit: AuditEntry): Promise<WorkOrder> {
    return this.#pool.transaction(async (tx) => {
      const order = await lock(tx, id);
      if (await isKnown(tx, id, event)) return order;
      const state = stateAfterEvent(order.state, event.kind);
      if (state === undefined)
        throw new PlatformError("conflict", `work order [${id}]: it is closed since ${order.closedAt ?? ""}`);
      await append(tx, id, { event, sender });
      await tx.query(
        `update aura.work_orders
            set state = $2, external_id = coalesce($3, external_id), outcome = $4,
                closed_at = case when $2 = 'closed' then clock_timestamp() end
          where work_order_id = $1`,
        [id, state, event.externalId ?? null, event.outcome === undefined ? null : json(event.outcome)],
      );
      await appendAudit(tx, audit);
      return requireOrder(tx, id);
    });
  }

  settle(id: string, labelId: string | null, audit: AuditEntry): Promise<WorkOrder> {
    return this.#pool.transaction(async (tx) => {
      const order = await lock(tx, id);
      const closed = await tx.query(
        `update aura.recommendations set state = 'closed', closed_at = clock_timestamp()
          where recommendation_id = $1 and closed_at is null returning 1`,
        [order.recommendationId],
      );
      if (closed.length === 0) return order;
      await tx.query("update aura.work_orders set label_id = $2 where work_order_id = $1", [id, labelId]);
      await appendAudit(tx, audit);
      return requireOrder(tx, id);
    });
  }

  outcomes(model: string): ReturnType<WorkOrderStore["outcomes"]> {
    return this.#pool.query(
      `select w.recommendation_id as "recommendationId", r.asset_id as asset, w.outcome, r.opened_at as "openedAt",
              w.created_at as "createdAt", w.closed_at as "closedAt"
         from aura.work_orders w join aura.recommendations r using (recommendation_id)
        where r.model = $1 and w.state = 'closed' order by w.closed_at, w.work_order_id`,
      [model],
    );
  }
}

function select(sql: Sql, condition: string, values: readonly SqlValue[]): Promise<WorkOrder[]> {
  return sql.query<WorkOrder>(`${SELECT} ${condition}`, values);
}

async function requireOrder(sql: Sql, id: string): Promise<WorkOrder> {
  const [row] = await select(sql, "where w.work_order_id = $1", [id]);
  if (row === undefined) throw new PlatformError("not_found", `work order [${id}]: there is none`);
  return row;
}

async function lock(tx: Transaction, id: string): Promise<WorkOrder> {
  await tx.query("select 1 from aura.work_orders where work_order_id = $1 for update", [id]);
  return requireOrder(tx, id);
}

/** @throws {PlatformError} conflict: the sender gave the id to something else */
async function isKnown(tx: Sql, id: string, event: WorkOrderEvent): Promise<boolean> {
  const [before] = await tx.query<{ document: WorkOrderEvent }>(
    "select document from aura.work_order_events where work_order_id = $1 and event_id = $2",
    [id, event.eventId],
  );
  if (before === undefined) return false;
  if (canonicalJson(before.document) === canonicalJson(event)) return true;
  throw new PlatformError(
    "conflict",
    `work order [${id}]: event ${event.eventId} is recorded with other content; give each event an id of its own`,
  );
}

async function append(
  tx: Sql,
  id: string,
  { event, sender }: { readonly event: WorkOrderEvent; readonly sender: EventSender },
): Promise<void> {
  await tx.query(
    `insert into aura.work_order_events (work_order_id, event_id, position, kind, document, said_by, authenticated)
     select $1, $2, coalesce(max(position), 0) + 1, $3, $4, $5, $6
       from aura.work_order_events where work_order_id = $1`,
    [id, event.eventId, event.kind, json(event), storableText(sender.by), sender.authenticated],
  );
}
