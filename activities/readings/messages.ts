export interface ReadingsUpkeepInput {
  /** Archive what is there, however little; default: only a day's worth or a million readings. */
  readonly archiveNow?: boolean;
}

export interface ReadingsUpkeepResult {
  /** Hourly aggregates written. */
  readonly buckets: number;
  readonly archivedRows: number;
  readonly expiredRows: number;
}

export interface ReadingsUploadInput {
  readonly id: string;
}

export interface ReadingsUploadResult {
  readonly received: number;
  readonly stored: number;
}
