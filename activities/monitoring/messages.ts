export interface MonitorInput {
  readonly model: string;
  /** The run whose file counts; absent: the newest that ended with the champion in use. */
  readonly runId?: string;
  readonly version?: number;
}

export interface DriftCheckInput {
  readonly model: string;
  /** End of the window looked at, ISO 8601: the schedule's logical time, so that a retry looks at the same rows. */
  readonly windowEnd: string;
}

export interface DriftCheckResult {
  readonly state: "ok" | "drift" | "insufficient_data" | "no_champion";
  readonly confirmed: boolean;
  readonly rows: number;
  readonly detail: string;
  /** The retrain that was started. */
  readonly retrainWindow?: string;
  /** Why none was, where drift is confirmed. */
  readonly notRetrained?: string;
}
