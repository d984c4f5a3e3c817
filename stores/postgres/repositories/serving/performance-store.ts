import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type {
  PerformanceReportRow,
  PerformanceStore,
  PerformanceVerdictRow,
} from "../../port/performance.ts";
import { ReportTable } from "./report-table.ts";

/** Performance reports, newest first. */
export class PostgresPerformanceStore implements PerformanceStore {
  readonly #reports: ReportTable<PerformanceReportRow, PerformanceVerdictRow>;

  constructor(pool: ConnectionPool) {
    this.#reports = new ReportTable(pool, {
      table: "aura.performance_reports",
      verdict: `report_id as id, model, version, digest, checked_at as "checkedAt", state, confirmed, metric,
        value, n_labelled as labelled`,
      time: "checked_at",
      alertKind: "degradation",
      name: "performance report",
    });
  }

  put(report: PerformanceReportRow, audit: AuditEntry): Promise<PerformanceReportRow> {
    const { model, version, digest, checkedAt, state, confirmed, metric, value, labelled } = report;
    const message = `${model} version ${version} has become worse: ${metric} is outside its tolerance`;
    const columns = {
      model,
      version,
      digest,
      checked_at: checkedAt,
      state,
      confirmed,
      metric,
      value,
      n_labelled: labelled,
      report: json(report.report ?? null),
    };
    return this.#reports.put(report, columns, { message, audit });
  }

  list(model: string, limit: number): Promise<PerformanceReportRow[]> {
    return this.#reports.list(model, limit);
  }

  verdicts(model: string, limit: number): Promise<PerformanceVerdictRow[]> {
    return this.#reports.verdicts(model, limit);
  }

  get(id: string): Promise<PerformanceReportRow | undefined> {
    return this.#reports.get(id);
  }

  newest(): Promise<PerformanceVerdictRow[]> {
    return this.#reports.newest();
  }

  expire(before: string, limit: number): Promise<number> {
    return this.#reports.expire(before, limit);
  }
}
