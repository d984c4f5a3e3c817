import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AlertRow, AlertState, AlertStore, AuditEntry, NewAlert } from "../../port.ts";

const COLUMNS = `alert_id as id, kind, severity, subject, message, details, raised_at as "raisedAt",
  acknowledged_by as "acknowledgedBy", acknowledged_at as "acknowledgedAt", resolved_at as "resolvedAt"`;

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
    return resolveAlerts(this.#pool, kind, subject);
  }

  list(filter: { state?: AlertState; limit: number; after?: number }): Promise<AlertRow[]> {
    const condition = filter.state === undefined ? "true" : CONDITIONS[filter.state];
    return this.#pool.query(
      `select ${COLUMNS} from aura.alerts where ${condition} and ($1::bigint is null or alert_id < $1)
        order by alert_id desc limit $2`,
      [filter.after ?? null, filter.limit],
    );
  }

  async acknowledge(id: number, by: string, audit: AuditEntry): Promise<AlertRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      const [changed] = await tx.query<AlertRow>(
        `update aura.alerts set acknowledged_by = $2, acknowledged_at = clock_timestamp()
          where alert_id = $1 and acknowledged_at is null returning ${COLUMNS}`,
        [id, storableText(by)],
      );
      if (changed !== undefined) {
        await appendAudit(tx, audit);
        return changed;
      }
      const [known] = await tx.query<AlertRow>(`select ${COLUMNS} from aura.alerts where alert_id = $1`, [
        id,
      ]);
      return known;
    });
  }

  async countOpen(): Promise<Record<NewAlert["severity"], number>> {
    const rows = await this.#pool.query<{ severity: NewAlert["severity"]; n: number }>(
      `select severity, count(*) as n from aura.alerts where ${CONDITIONS.open} group by severity`,
    );
    return { info: 0, warning: 0, critical: 0, ...Object.fromEntries(rows.map((r) => [r.severity, r.n])) };
  }
}

/** Once per key; a key whose alert is over makes room for the new occurrence. */
export async function raiseAlert(sql: Sql, alert: NewAlert): Promise<void> {
  await sql.query(
    `update aura.alerts set alert_key = alert_key || '#' || alert_id
      where alert_key = $1 and resolved_at is not null`,
    [alert.key],
  );
  await sql.query(
    `insert into aura.alerts (alert_key, kind, severity, subject, message, details)
     values ($1, $2, $3, $4, $5, $6) on conflict (alert_key) do nothing`,
    [
      alert.key,
      alert.kind,
      alert.severity,
      storableText(alert.subject),
      storableText(alert.message),
      json(alert.details ?? {}),
    ],
  );
}

/** What was told of a subject is over. */
export async function resolveAlerts(sql: Sql, kind: string, subject: string): Promise<void> {
  await sql.query(
    `update aura.alerts set resolved_at = clock_timestamp()
      where kind = $1 and subject = $2 and resolved_at is null`,
    [kind, subject],
  );
}
