import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, Transaction } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AlertRow, AlertState, AlertStore, AuditEntry, NewAlert } from "../../port.ts";
import type { AlertFilter } from "../../port/alerts.ts";
import { appendAlertEvents, appendEventOf, platformAlarmKey } from "../alerting/alert-events.ts";

/** Columns of `AlertRow` over aura.alerts. */
export const ALERT_COLUMNS = `alert_id as id,
  case when resolved_at is not null then 'cleared' when acknowledged_at is not null then 'acknowledged'
       else 'raised' end as state,
  kind, severity, subject, message, details, rule, asset_id as asset, labels, raised_at as "raisedAt",
  acknowledged_by as "acknowledgedBy", acknowledged_at as "acknowledgedAt", comment, resolved_at as "resolvedAt"`;
const COLUMNS = ALERT_COLUMNS;

const CONDITIONS: Readonly<Record<AlertState, string>> = {
  open: "resolved_at is null and acknowledged_at is null",
  acknowledged: "resolved_at is null and acknowledged_at is not null",
  resolved: "resolved_at is not null",
};

/** Alerts: raised by what finds something, in the transaction that records it where there is one. */
export class PostgresAlertStore implements AlertStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  raise(alert: NewAlert): Promise<void> {
    return this.#pool.transaction((tx) => raiseAlert(tx, alert));
  }

  resolve(kind: string, subject: string): Promise<void> {
    return this.#pool.transaction((tx) => resolveAlerts(tx, kind, subject));
  }

  list({ state, asset, rule, severity, limit, after }: AlertFilter): Promise<AlertRow[]> {
    const condition = state === undefined ? "true" : CONDITIONS[state];
    return this.#pool.query(
      `select ${COLUMNS} from aura.alerts
        where ${condition} and ($1::bigint is null or alert_id < $1) and ($3::text is null or asset_id = $3)
          and ($4::text is null or rule = $4) and ($5::text is null or severity = $5)
        order by alert_id desc limit $2`,
      [after ?? null, limit, asset ?? null, rule ?? null, severity ?? null],
    );
  }

  get(id: number): Promise<AlertRow | undefined> {
    return alertOf(this.#pool, id);
  }

  async acknowledge(
    id: number,
    { name, comment }: { readonly name: string; readonly comment?: string },
    audit: AuditEntry,
  ): Promise<AlertRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      const [changed] = await tx.query<AlertRow>(
        `update aura.alerts set acknowledged_by = $2, acknowledged_at = clock_timestamp(), comment = $3
          where alert_id = $1 and acknowledged_at is null and resolved_at is null returning ${COLUMNS}`,
        [id, storableText(name), comment === undefined ? null : storableText(comment)],
      );
      if (changed === undefined) return alertOf(tx, id);
      await appendAudit(tx, audit);
      await appendEventOf(tx, "acknowledged", changed);
      return changed;
    });
  }

  async clear(id: number, audit: AuditEntry): Promise<AlertRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      // First, as the evaluator does: whoever evaluates has to begin from the states as they are then.
      await tx.query("update aura.alert_evaluation set revision = revision + 1");
      const [changed] = await tx.query<AlertRow>(
        `update aura.alerts set resolved_at = clock_timestamp() where alert_id = $1 and resolved_at is null
         returning ${COLUMNS}`,
        [id],
      );
      if (changed === undefined) return alertOf(tx, id);
      await forgetState(tx, changed);
      await appendAudit(tx, audit);
      await appendEventOf(tx, "cleared", changed);
      return changed;
    });
  }

  remind(id: number, kind: "reminded" | "escalated", nth: number): Promise<number | undefined> {
    return this.#pool.transaction(async (tx) => {
      const [alert] = await tx.query<AlertRow>(
        `select ${COLUMNS} from aura.alerts where alert_id = $1 and ${CONDITIONS.open} for update`,
        [id],
      );
      if (alert === undefined) return undefined;
      const told = await tx.query<{ id: number }>(
        "select event_id as id from aura.alert_events where alert_id = $1 and kind = $2 order by event_id",
        [id, kind],
      );
      // An attempt before this one may have written it and then died.
      return told[nth - 1]?.id ?? appendEventOf(tx, kind, alert);
    });
  }

  openOfRules(limit: number): Promise<Pick<AlertRow, "rule" | "asset" | "severity">[]> {
    return this.#pool.query(
      `select rule, asset_id as asset, severity from aura.alerts where rule is not null and resolved_at is null
        order by alert_id desc limit $1`,
      [limit],
    );
  }

  async countOpen(): Promise<Record<NewAlert["severity"], number>> {
    const rows = await this.#pool.query<{ severity: NewAlert["severity"]; n: number }>(
      `select severity, count(*) as n from aura.alerts where ${CONDITIONS.open} group by severity`,
    );
    return { info: 0, warning: 0, critical: 0, ...Object.fromEntries(rows.map((r) => [r.severity, r.n])) };
  }
}

/**
 * The next reading begins anew. A silence has none, and would be raised again at once: of it is kept that nobody wants to
 * hear until something was.
 */
async function forgetState(tx: Transaction, { rule, asset }: AlertRow): Promise<void> {
  const isOf = "rule = $1 and asset_id = $2";
  const kept = await tx.query(
    `update aura.alert_states set state = jsonb_set(state::jsonb, '{phase}', '"dismissed"')::json
      where ${isOf} and (select document->'when'->>'kind' from aura.alert_rules where rule = $1) = 'absence' returning 1`,
    [rule, asset],
  );
  if (kept.length === 0) await tx.query(`delete from aura.alert_states where ${isOf}`, [rule, asset]);
}

/** Once per key; a key whose alert is over makes room for the new occurrence. */
export async function raiseAlert(sql: Sql, alert: NewAlert): Promise<void> {
  await sql.query(
    `update aura.alerts set alert_key = alert_key || '#' || alert_id
      where alert_key = $1 and resolved_at is not null`,
    [alert.key],
  );
  const [raised] = await sql.query<AlertRow>(
    `insert into aura.alerts (alert_key, kind, severity, subject, message, details)
     values ($1, $2, $3, $4, $5, $6) on conflict (alert_key) do nothing returning ${COLUMNS}`,
    [
      alert.key,
      alert.kind,
      alert.severity,
      storableText(alert.subject),
      storableText(alert.message),
      json(alert.details ?? {}),
    ],
  );
  if (raised === undefined) return;
  const alarmKey = platformAlarmKey(alert.kind, alert.key);
  await appendAlertEvents(sql, [{ kind: "raised", alarmKey, rule: null, asset: null, alert: raised }]);
}

/** What was told of a subject is over. `sql` is a transaction. */
export async function resolveAlerts(sql: Sql, kind: string, subject: string): Promise<void> {
  const resolved = await sql.query<AlertRow>(
    `update aura.alerts set resolved_at = clock_timestamp()
      where kind = $1 and subject = $2 and rule is null and resolved_at is null returning ${COLUMNS}`,
    [kind, subject],
  );
  for (const alert of resolved) await appendEventOf(sql, "cleared", alert);
}

async function alertOf(sql: Sql, id: number): Promise<AlertRow | undefined> {
  const [row] = await sql.query<AlertRow>(`select ${COLUMNS} from aura.alerts where alert_id = $1`, [id]);
  return row;
}
