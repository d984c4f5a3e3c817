import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type { AlertDeliveryStore, DeliveryRow, DeliveryState } from "../../port/alert-deliveries.ts";
import type { AlertEventRow } from "../../port/alerting.ts";
import { ALERTS_CHANNEL, EVENT_COLUMNS } from "./alert-events.ts";

const SELECT = `select d.delivery_id as id, d.event_id as "eventId", e.kind as event, e.alert_id as "alertId", e.rule,
    e.asset_id as asset, d.channel, d.replay, d.state, d.n_attempts as attempts, d.status, d.reason,
    d.created_at as "createdAt", d.settled_at as "settledAt"
  from aura.alert_deliveries d join aura.alert_events e using (event_id)`;
const MAX_REASON = 500;
const MOST_SILENCED = 200;

/** Deliveries as rows: each is settled once. */
export class PostgresAlertDeliveryStore implements AlertDeliveryStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async event(eventId: number): Promise<AlertEventRow | undefined> {
    const [row] = await this.#pool.query<AlertEventRow>(
      `select ${EVENT_COLUMNS} from aura.alert_events where event_id = $1`,
      [eventId],
    );
    return row;
  }

  async channelsOf(alertId: number): Promise<string[]> {
    const rows = await this.#pool.query<{ channel: string }>(
      `select distinct d.channel from aura.alert_deliveries d join aura.alert_events e using (event_id)
        where e.alert_id = $1 and d.state <> 'silenced' order by 1`,
      [alertId],
    );
    return rows.map(({ channel }) => channel);
  }

  open(eventId: number, channels: readonly string[], silence?: string): Promise<DeliveryRow[]> {
    const [state, reason] = silence === undefined ? ["waiting", null] : ["silenced", `silence ${silence}`];
    return this.#pool.transaction(async (tx) => {
      await tx.query(
        `insert into aura.alert_deliveries (event_id, channel, state, reason, settled_at)
         select $1, unnest($2::text[]), $3, $4, case when $3 = 'waiting' then null else clock_timestamp() end
         on conflict do nothing`,
        [eventId, channels, state, reason],
      );
      return tx.query(`${SELECT} where d.event_id = $1 and d.replay = 0 order by d.channel`, [eventId]);
    });
  }

  get(id: number): Promise<DeliveryRow | undefined> {
    return deliveryOf(this.#pool, id);
  }

  async attempted(
    id: number,
    { state, status, reason }: { state: DeliveryState; status: number | null; reason: string | null },
  ): Promise<void> {
    await this.#pool.query(
      `update aura.alert_deliveries
          set n_attempts = n_attempts + 1, state = $2, status = $3, reason = $4,
              settled_at = case when $2 = 'waiting' then null else clock_timestamp() end
        where delivery_id = $1 and state = 'waiting'`,
      [id, state, status, reason === null ? null : storableText(reason).slice(0, MAX_REASON)],
    );
  }

  list({
    state,
    channel,
    alert,
    limit,
    after,
  }: Parameters<AlertDeliveryStore["list"]>[0]): Promise<DeliveryRow[]> {
    return this.#pool.query(
      `${SELECT} where ($1::text is null or d.state = $1) and ($2::text is null or d.channel = $2)
          and ($3::bigint is null or e.alert_id = $3) and ($4::bigint is null or d.delivery_id < $4)
        order by d.delivery_id desc limit $5`,
      [state ?? null, channel ?? null, alert ?? null, after ?? null, limit],
    );
  }

  replay(id: number, audit: AuditEntry): Promise<DeliveryRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      const [added] = await tx.query<{ id: number }>(
        `insert into aura.alert_deliveries (event_id, channel, replay)
         select d.event_id, d.channel, (select max(o.replay) + 1 from aura.alert_deliveries o
                                         where o.event_id = d.event_id and o.channel = d.channel)
           from aura.alert_deliveries d where d.delivery_id = $1 returning delivery_id as id`,
        [id],
      );
      if (added === undefined) return undefined;
      await appendAudit(tx, audit);
      await tx.query(`notify ${ALERTS_CHANNEL}, ''`);
      return deliveryOf(tx, added.id);
    });
  }

  silenced(): ReturnType<AlertDeliveryStore["silenced"]> {
    return this.#pool.query(
      `select d.delivery_id as id, a.rule, a.kind, a.asset_id as asset
         from (select distinct on (e.alert_id, d.channel) d.delivery_id, d.state, e.alert_id
                 from aura.alert_deliveries d join aura.alert_events e using (event_id)
                 join aura.alerts a using (alert_id)
                where a.resolved_at is null and a.acknowledged_at is null
                order by e.alert_id, d.channel, d.delivery_id desc) d
         join aura.alerts a using (alert_id)
        where d.state = 'silenced' order by d.delivery_id limit ${MOST_SILENCED}`,
    );
  }

  async unsilence(id: number): Promise<void> {
    await this.#pool.query(
      `insert into aura.alert_deliveries (event_id, channel, replay)
       select event_id, channel, replay + 1 from aura.alert_deliveries where delivery_id = $1 and state = 'silenced'
       on conflict do nothing`,
      [id],
    );
  }

  async waitingReplays(limit: number): Promise<number[]> {
    const rows = await this.#pool.query<{ id: number }>(
      `select delivery_id as id from aura.alert_deliveries where replay > 0 and state = 'waiting'
        order by delivery_id limit $1`,
      [limit],
    );
    return rows.map(({ id }) => id);
  }

  counts(): Promise<readonly { channel: string; state: DeliveryState; n: number }[]> {
    return this.#pool.query(
      `select channel, state, sum(n)::bigint as n from (
         select channel, state, count(*) as n from aura.alert_deliveries group by channel, state
         union all select channel, state, n from aura.alert_delivery_totals) u
        group by channel, state order by channel, state`,
    );
  }
}

async function deliveryOf(sql: Sql, id: number): Promise<DeliveryRow | undefined> {
  const [row] = await sql.query<DeliveryRow>(`${SELECT} where d.delivery_id = $1`, [id]);
  return row;
}
