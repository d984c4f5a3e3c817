import type { PerformanceState } from "../../../schemas/models/performance-report.ts";
import type { AuditEntry } from "./actor.ts";

export interface PerformanceStore {
  /**
   * Confirmed degradation raises an alert in the same transaction, and a check that finds none resolves it. Idempotent on the
   * report's id: of two with one id the first stands, and is returned.
   */
  put(report: PerformanceReportRow, audit: AuditEntry): Promise<PerformanceReportRow>;
  /** Newest first. */
  list(model: string, limit: number): Promise<PerformanceReportRow[]>;
  /** The same, without what they found. */
  verdicts(model: string, limit: number): Promise<PerformanceVerdictRow[]>;
  get(id: string): Promise<PerformanceReportRow | undefined>;
  /** The newest of each model, without what it found. */
  newest(): Promise<PerformanceVerdictRow[]>;
  /**
   * Forgets reports written before `before` (ISO 8601), oldest first. The newest of each version stays, and one that an alert or
   * a retrain on record came of. @returns how many, at most `limit`
   */
  expire(before: string, limit: number): Promise<number>;
}

/** A report without what it found. */
export interface PerformanceVerdictRow {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  /** When it looked: the end of its newest window. */
  readonly checkedAt: string;
  readonly state: PerformanceState;
  readonly confirmed: boolean;
  readonly metric: string;
  /** Realized, of the window that was judged; null: none was. */
  readonly value: number | null;
  readonly labelled: number;
}

export interface PerformanceReportRow extends PerformanceVerdictRow {
  readonly report: unknown;
}
