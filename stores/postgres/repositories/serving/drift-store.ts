import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import { raiseAlert, resolveAlerts } from "./alert-store.ts";
import type { AuditEntry, DriftReportRow, DriftStore, DriftVerdictRow } from "../../port.ts";

const VERDICT_COLUMNS = `report_id as id, model, version, digest, window_start as "windowStart",
  window_end as "windowEnd", state, confirmed, n_rows as rows`;
const REPORT_COLUMNS = `${VERDICT_COLUMNS}, report`;

/** Drift reports, newest window first. */
export class PostgresDriftStore implements DriftStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** Confirmed drift raises an alert in the same transaction, and none found resolves it. */
  async put(report: DriftReportRow, audit: AuditEntry): Promise<DriftReportRow> {
    return this.#pool.transaction(async (tx) => {
      const inserted = await tx.query(
        `insert into aura.drift_reports (report_id, model, version, digest, window_start, window_end, state, confirmed,
                                         n_rows, report)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (report_id) do nothing returning report_id`,
        [
          report.id,
          report.model,
          report.version,
          report.digest,
          report.windowStart,
          report.windowEnd,
          report.state,
          report.confirmed,
          report.rows,
          json(report.report ?? null),
        ],
      );
      const [standing] = await tx.query<DriftReportRow>(
        `select ${REPORT_COLUMNS} from aura.drift_reports where report_id = $1`,
        [report.id],
      );
      if (standing === undefined)
        throw new Error(`drift report [${report.id}]: the row just written is gone`);
      if (inserted.length === 0) return standing;
      const subject = `model/${report.model}`;
      if (report.confirmed) {
        await raiseAlert(tx, {
          key: `drift/${report.id}`,
          kind: "drift",
          severity: "warning",
          subject,
          message: `confirmed drift of ${report.model} version ${report.version}`,
          details: { report: report.id },
        });
      }
      if (report.state === "ok") await resolveAlerts(tx, "drift", subject);
      await appendAudit(tx, audit);
      return standing;
    });
  }

  list(model: string, limit: number): Promise<DriftReportRow[]> {
    return this.#select(REPORT_COLUMNS, model, limit);
  }

  verdicts(model: string, limit: number): Promise<DriftVerdictRow[]> {
    return this.#select(VERDICT_COLUMNS, model, limit);
  }

  #select<T extends object>(columns: string, model: string, limit: number): Promise<T[]> {
    return this.#pool.query<T>(
      `select ${columns} from aura.drift_reports where model = $1 order by window_end desc, created_at desc limit $2`,
      [model, limit],
    );
  }

  async get(id: string): Promise<DriftReportRow | undefined> {
    const [row] = await this.#pool.query<DriftReportRow>(
      `select ${REPORT_COLUMNS} from aura.drift_reports where report_id = $1`,
      [id],
    );
    return row;
  }

  /** Goes from name to name through the index, as each model has many reports. */
  newest(): Promise<DriftVerdictRow[]> {
    return this.#pool.query(
      `with recursive named as (
         (select model from aura.drift_reports order by model limit 1)
         union all
         select (select d.model from aura.drift_reports d where d.model > named.model order by d.model limit 1)
           from named where named.model is not null)
       select newest.* from named cross join lateral (
         select ${VERDICT_COLUMNS} from aura.drift_reports d where d.model = named.model
          order by window_end desc, created_at desc limit 1) newest`,
      [],
    );
  }
}
