export interface MonitorInput {
  readonly runId: string;
  readonly model: string;
  readonly version: number;
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
  /** Set when a retrain is due now: names the retrain's window. */
  readonly retrainWindow?: string;
}

export interface PrepareRetrainInput {
  readonly model: string;
  readonly window: string;
  readonly reason: string;
}
