import { sha256Hex } from "../../../../schemas/canonical-json.ts";
import type { AlertRow } from "../../port/alerts.ts";
import type { AlertEventKind, AlertEventRow, AlertEventStore } from "../../port/alerting.ts";
import type { AliasListener } from "../../connection/alias-listener.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";

/** Who follows alerts listens here; the payload is empty. */
export const ALERTS_CHANNEL = "aura_alerts";
/** Writers of events one after the other, so that ids become visible in their order. */
const EVENTS_LOCK = 1_635_087_459;

export interface NewAlertEvent {
  readonly kind: AlertEventKind;
  readonly alarmKey: string;
  readonly rule: string | null;
  readonly asset: string | null;
  readonly alert: AlertRow | null;
}

/** Of the rule's alarm for an asset. Part of a workflow id, in which an asset's own name cannot stand. */
export const alarmKeyOf = (rule: string, asset: string): string => `${rule}/${sha256Hex(asset).slice(0, 16)}`;

/** Of an alert that no rule raised; no rule is called `-`. */
export const platformAlarmKey = (kind: string, key: string): string =>
  `-/${kind}/${sha256Hex(key).slice(0, 16)}`;

/** Writes what happened, at the end of the transaction of what it tells of. @returns ids */
export async function appendAlertEvents(sql: Sql, events: readonly NewAlertEvent[]): Promise<number[]> {
  if (events.length === 0) return [];
  await sql.query("select pg_advisory_xact_lock($1)", [EVENTS_LOCK]);
  const rows = await sql.query<{ id: number }>(
    `insert into aura.alert_events (kind, alert_id, rule, asset_id, alarm_key, alert)
     select u.kind, u.alert_id, u.rule, u.asset, u.alarm_key, u.alert
       from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::json[])
            with ordinality as u (kind, alert_id, rule, asset, alarm_key, alert, place)
      order by u.place returning event_id as id`,
    [
      events.map(({ kind }) => kind),
      events.map(({ alert }) => alert?.id ?? null),
      events.map(({ rule }) => rule),
      events.map(({ asset }) => asset),
      events.map(({ alarmKey }) => alarmKey),
      events.map(({ alert }) => (alert === null ? null : json(alert))),
    ],
  );
  await sql.query(`notify ${ALERTS_CHANNEL}, ''`);
  return rows.map(({ id }) => id);
}

/** One more thing that happened to an alert. */
export async function appendEventOf(sql: Sql, kind: AlertEventKind, alert: AlertRow): Promise<number> {
  const [first] = await sql.query<{ key: string }>(
    "select alarm_key as key from aura.alert_events where alert_id = $1 order by event_id limit 1",
    [alert.id],
  );
  // One of an earlier release has no event yet.
  const alarmKey =
    first?.key ??
    (alert.rule === null || alert.asset === null
      ? platformAlarmKey(alert.kind, alert.subject)
      : alarmKeyOf(alert.rule, alert.asset));
  const [id] = await appendAlertEvents(sql, [
    { kind, alarmKey, rule: alert.rule, asset: alert.asset, alert },
  ]);
  if (id === undefined) throw new Error(`alert ${alert.id}: its event was not written`);
  return id;
}

/** Columns of `AlertEventRow` over aura.alert_events. */
export const EVENT_COLUMNS = `event_id as id, at, kind, rule, asset_id as asset, alarm_key as "alarmKey", alert`;

/** What happened to alerts, by cursor, and on its way to the workflows of alarms. */
export class PostgresAlertEventStore implements AlertEventStore {
  readonly #pool: ConnectionPool;
  readonly #listener: AliasListener;

  /** @param listener of the channel of alerts */
  constructor(pool: ConnectionPool, listener: AliasListener) {
    this.#pool = pool;
    this.#listener = listener;
  }

  async latest(): Promise<number> {
    const [row] = await this.#pool.query<{ id: number }>(
      "select coalesce(max(event_id), 0) as id from aura.alert_events",
    );
    return row?.id ?? 0;
  }

  since(after: number, limit: number): Promise<AlertEventRow[]> {
    return eventsSince(this.#pool, after, limit);
  }

  onEvents(listener: () => void): Promise<() => Promise<void>> {
    return this.#listener.subscribe(() => listener());
  }

  async prune(): Promise<void> {
    await this.#pool.query(
      `delete from aura.alert_events where alert_id is null and at < clock_timestamp() - interval '7 days'
          and event_id <= (select event_id from aura.alert_dispatch)`,
    );
  }

  dispatch(limit: number, give: (events: readonly AlertEventRow[]) => Promise<void>): Promise<boolean> {
    return this.#pool.transaction(async (tx) => {
      const [position] = await tx.query<{ after: number }>(
        "select event_id as after from aura.alert_dispatch for update skip locked",
      );
      if (position === undefined) return false;
      const events = await eventsSince(tx, position.after, limit);
      const last = events.at(-1);
      if (last === undefined) return false;
      await give(events);
      await tx.query("update aura.alert_dispatch set event_id = $1", [last.id]);
      return events.length === limit;
    });
  }
}

function eventsSince(sql: Sql, after: number, limit: number): Promise<AlertEventRow[]> {
  return sql.query(
    `select ${EVENT_COLUMNS} from aura.alert_events where event_id > $1 order by event_id limit $2`,
    [after, limit],
  );
}
