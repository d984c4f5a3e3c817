import type { PerformanceState } from "../../schemas/models/performance-report.ts";

export interface PerformanceCheckInput {
  readonly model: string;
  /** When it looks, ISO 8601: the schedule's logical time, so that a retry looks at the same windows. */
  readonly at: string;
}

export interface PerformanceCheckResult {
  readonly state: PerformanceState | "no_champion";
  readonly confirmed: boolean;
  readonly labelled: number;
  readonly detail: string;
}
