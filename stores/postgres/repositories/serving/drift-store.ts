import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { AuditEntry, DriftReportRow, DriftStore, DriftVerdictRow } from "../../port.ts";
import { ReportTable } from "./report-table.ts";

/** Drift reports, newest window first. */
export class PostgresDriftStore implements DriftStore {
  readonly #reports: ReportTable<DriftReportRow, DriftVerdictRow>;

  constructor(pool: ConnectionPool) {
    this.#reports = new ReportTable(pool, {
      table: "aura.drift_reports",
      verdict: `report_id as id, model, version, digest, window_start as "windowStart",
        window_end as "windowEnd", state, confirmed, n_rows as rows`,
      time: "window_end",
      alertKind: "drift",
      name: "drift report",
    });
  }

  put(report: DriftReportRow, audit: AuditEntry): Promise<DriftReportRow> {
    const { model, version, digest, windowStart, windowEnd, state, confirmed, rows } = report;
    const message = `confirmed drift of ${model} version ${version}`;
    const columns = {
      model,
      version,
      digest,
      window_start: windowStart,
      window_end: windowEnd,
      state,
      confirmed,
      n_rows: rows,
      report: json(report.report ?? null),
    };
    return this.#reports.put(report, columns, { message, audit });
  }

  list(model: string, limit: number): Promise<DriftReportRow[]> {
    return this.#reports.list(model, limit);
  }

  verdicts(model: string, limit: number): Promise<DriftVerdictRow[]> {
    return this.#reports.verdicts(model, limit);
  }

  get(id: string): Promise<DriftReportRow | undefined> {
    return this.#reports.get(id);
  }

  newest(): Promise<DriftVerdictRow[]> {
    return this.#reports.newest();
  }

  expire(before: string, limit: number): Promise<number> {
    return this.#reports.expire(before, limit);
  }
}
