export interface HousekeepingInput {
  /** Whether datasets past their retention are removed; otherwise they are only counted. */
  readonly removeDatasets: boolean;
}

export interface HousekeepingResult {
  /** Replies to repeated requests that were forgotten. */
  readonly replies: number;
  /** Alerts that were over for long enough. */
  readonly alerts: number;
  /** Reports of drift and performance that were old enough. */
  readonly reports: number;
  /** Datasets past their retention that nothing needs, before this run removed any. */
  readonly expiredDatasets: number;
  readonly removedDatasets: number;
  readonly removedObjects: number;
}

/** A dataset past its retention that nothing needs, as the Temporal UI names it. */
export interface RemovableDataset {
  readonly id: string;
  readonly pipeline: string;
  readonly owner: string;
  readonly retention: string;
}
