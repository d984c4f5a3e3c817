import type { AuditEntry } from "./actor.ts";

export interface DriftStore {
  /** Idempotent on the report's id. Returns the report that stands: of two with one id, the first. */
  put(report: DriftReportRow, audit: AuditEntry): Promise<DriftReportRow>;
  list(model: string, limit: number): Promise<DriftReportRow[]>;
}

export interface DriftReportRow {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly state: "ok" | "drift" | "insufficient_data";
  readonly confirmed: boolean;
  readonly rows: number;
  readonly report: unknown;
}
