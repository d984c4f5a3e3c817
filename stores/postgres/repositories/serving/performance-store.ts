import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type {
  PerformanceReportRow,
  PerformanceStore,
  PerformanceVerdictRow,
} from "../../port/performance.ts";
import { raiseAlert, resolveAlerts } from "./alert-store.ts";

const VERDICT_COLUMNS = `report_id as id, model, version, digest, checked_at as "checkedAt", state, confirmed, metric,
  value, n_labelled as labelled`;
const REPORT_COLUMNS = `${VERDICT_COLUMNS}, report`;
const ALERT_KIND = "degradation";

/** Performance reports, newest first. */
export class PostgresPerformanceStore implements PerformanceStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  put(report: PerformanceReportRow, audit: AuditEntry): Promise<PerformanceReportRow> {
    return this.#pool.transaction(async (tx) => {
      const { id, model, version } = report;
      const inserted = await tx.query(
        `insert into aura.performance_reports (report_id, model, version, digest, checked_at, state, confirmed, metric,
                                               value, n_labelled, report)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (report_id) do nothing returning report_id`,
        [
          id,
          model,
          version,
          report.digest,
          report.checkedAt,
          report.state,
          report.confirmed,
          report.metric,
          report.value,
          report.labelled,
          json(report.report ?? null),
        ],
      );
      const [standing] = await tx.query<PerformanceReportRow>(
        `select ${REPORT_COLUMNS} from aura.performance_reports where report_id = $1`,
        [id],
      );
      if (standing === undefined) throw new Error(`performance report [${id}]: the row just written is gone`);
      if (inserted.length === 0) return standing;
      const subject = `model/${model}`;
      if (report.confirmed) {
        await raiseAlert(tx, {
          key: `${ALERT_KIND}/${id}`,
          kind: ALERT_KIND,
          severity: "warning",
          subject,
          message: `${model} version ${version} has become worse: ${report.metric} is outside its tolerance`,
          details: { report: id },
        });
      }
      if (report.state === "ok") await resolveAlerts(tx, ALERT_KIND, subject);
      await appendAudit(tx, audit);
      return standing;
    });
  }

  list(model: string, limit: number): Promise<PerformanceReportRow[]> {
    return this.#select(REPORT_COLUMNS, model, limit);
  }

  verdicts(model: string, limit: number): Promise<PerformanceVerdictRow[]> {
    return this.#select(VERDICT_COLUMNS, model, limit);
  }

  #select<T extends object>(columns: string, model: string, limit: number): Promise<T[]> {
    return this.#pool.query<T>(
      `select ${columns} from aura.performance_reports where model = $1
        order by checked_at desc, created_at desc limit $2`,
      [model, limit],
    );
  }

  async get(id: string): Promise<PerformanceReportRow | undefined> {
    const [row] = await this.#pool.query<PerformanceReportRow>(
      `select ${REPORT_COLUMNS} from aura.performance_reports where report_id = $1`,
      [id],
    );
    return row;
  }

  /** Goes from name to name through the index, as each model has many reports. */
  newest(): Promise<PerformanceVerdictRow[]> {
    return this.#pool.query(
      `with recursive named as (
         (select model from aura.performance_reports order by model limit 1)
         union all
         select (select r.model from aura.performance_reports r where r.model > named.model order by r.model limit 1)
           from named where named.model is not null)
       select newest.* from named cross join lateral (
         select ${VERDICT_COLUMNS} from aura.performance_reports r where r.model = named.model
          order by checked_at desc, created_at desc limit 1) newest`,
      [],
    );
  }
}
