import type { AuditEntry } from "./actor.ts";

export interface DriftStore {
  /** Idempotent on the report's id. Returns the report that stands: of two with one id, the first. */
  put(report: DriftReportRow, audit: AuditEntry): Promise<DriftReportRow>;
  /** Newest window first. */
  list(model: string, limit: number): Promise<DriftReportRow[]>;
  /** The same, without what they found. */
  verdicts(model: string, limit: number): Promise<DriftVerdictRow[]>;
  get(id: string): Promise<DriftReportRow | undefined>;
  /** The newest of each model, without what it found. */
  newest(): Promise<DriftVerdictRow[]>;
  /**
   * Forgets reports written before `before` (ISO 8601), oldest first. The newest of each version stays, and one that an alert or
   * a retrain on record came of. @returns how many, at most `limit`
   */
  expire(before: string, limit: number): Promise<number>;
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

/** A report without what it found. */
export type DriftVerdictRow = Omit<DriftReportRow, "report">;
