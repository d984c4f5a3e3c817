import type { IntakeCode } from "../../../schemas/live/intake.ts";
import type { LiveSource } from "../../../schemas/live/source.ts";
import type { Actor, AuditEntry } from "./actor.ts";

/** One version of a declared source. */
export interface LiveSourceRow {
  readonly sourceKey: number;
  readonly version: number;
  readonly document: LiveSource;
  readonly sha256: string;
  readonly actor: string;
  readonly createdAt: string;
  /** Since when it takes no readings; null: it does. */
  readonly retiredAt: string | null;
}

/**
 * Declared sources and their versions. A column that was personal in any version is in `pii` of the newest one as it is given,
 * since its readings of then are there still; `versions` gives each as it was declared.
 */
export interface LiveSourceStore {
  /**
   * Declares a source or a new version of it; the newest version as it stands where nothing changed. A new version of one that is
   * retired brings it back, changed or not.
   *
   * @throws {PlatformError} conflict when the columns of the new version do not hold those of the one before
   * @throws {PlatformError} forbidden when a column shall be personal no longer and the actor is no admin
   */
  put(document: LiveSource, actor: Actor): Promise<LiveSourceRow & { readonly isNew: boolean }>;
  /** The newest version. */
  get(source: string): Promise<LiveSourceRow | undefined>;
  /** Newest first. */
  versions(source: string): Promise<LiveSourceRow[]>;
  /** Newest version of each, in the order of their names; of retired ones only where they are asked for. */
  list(of?: { readonly hasRetired?: boolean }): Promise<LiveSourceRow[]>;
  /**
   * Lets a source take no more readings; what it has stays. Of one that is retired nothing changes.
   *
   * @throws {PlatformError} not_found; conflict while feeds fill it or alert rules name it
   */
  retire(source: string, audit: AuditEntry): Promise<LiveSourceRow>;
}

/** One reading as it is stored. */
export interface ReadingRow {
  readonly seriesKey: number;
  readonly epoch: number;
  /** Microseconds since 1970, or the cycle. */
  readonly ts: number;
  readonly seq: number;
  /** First day of the month it lies in, in days since 2000-01-01. */
  readonly month: number;
  /** In the order of the source's columns; NaN = missing. */
  readonly values: readonly number[];
}

/** A reading that cannot be stored as it is. */
export interface DeadLetter {
  readonly code: IntakeCode;
  readonly message: string;
  readonly asset: string | null;
  /** As it was sent, as JSON. */
  readonly body: string;
  /** SHA-256 of what tells it from every other one; of two that have the same the first is kept. Null: it is like no other. */
  readonly identity: string | null;
}

/** What one sender sent of one source, checked; it is committed with others and answered afterwards. */
export interface ReadingSubmission {
  readonly sourceKey: number;
  readonly schemaVersion: number;
  /** How it came: http, mqtt, kafka … */
  readonly adapter: string;
  /** Readings as they were counted at the door; the commit fails unless each of them is accounted for. */
  readonly nReceived: number;
  readonly rows: readonly ReadingRow[];
  readonly letters: readonly DeadLetter[];
  /** Readings that are not kept. */
  readonly nRejected: number;
}

export interface CommittedReadings {
  readonly stored: number;
  /** There before: stored, or set aside word for word. */
  readonly duplicate: number;
  readonly conflict: number;
  /** Places in `rows` of the conflicts. */
  readonly conflicts: readonly number[];
  /** Set aside, and not there before. */
  readonly quarantined: number;
}

/** One stored reading, with the values under their names. */
export interface StoredReading {
  readonly asset: string;
  readonly source: string;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  readonly schemaVersion: number;
  /** In the order of the source's columns; null = missing. */
  readonly values: readonly (number | null)[];
}

/** Where the next page of readings begins: after this one. */
export interface ReadingCursor {
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
}

export interface ReadingPageRequest {
  readonly sourceKey: number;
  readonly asset: string;
  /** From this time on, in the unit of `ts`. */
  readonly since?: number;
  /** Before this time. */
  readonly until?: number;
  readonly after?: ReadingCursor;
  readonly limit: number;
  readonly order: "oldest" | "newest";
  /** Times are microseconds, by which months can be left out. */
  readonly isTimestamp: boolean;
}

/** Readings of a column between two times, together. */
export interface TrendPoint {
  /** Microseconds since 1970 at which the bucket begins. */
  readonly start: number;
  readonly n: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface TrendRequest {
  readonly sourceKey: number;
  readonly source: string;
  readonly asset: string;
  readonly column: string;
  /** Place of the column in the source, from 0. */
  readonly place: number;
  readonly since: number;
  readonly until: number;
  /** Microseconds; whole hours are read from the hourly aggregates where `isAggregated`. */
  readonly bucket: number;
  readonly isAggregated: boolean;
}

/** A reading that stands, and one with other values that came later under its key. */
export interface ReadingConflict extends Omit<StoredReading, "schemaVersion" | "values"> {
  readonly id: number;
  /** In the order of the source's columns; null = missing. */
  readonly kept: readonly (number | null)[];
  readonly refused: readonly (number | null)[];
  /** When the second one came. */
  readonly at: string;
}

export interface ConflictFilter {
  readonly source?: string;
  readonly asset?: string;
  /** Id of the last one of the page before; they come newest first. */
  readonly after?: number;
  readonly limit: number;
}

/** Readings as they arrive. */
export interface ReadingStore {
  /** Finds the series of assets of a source, and makes those that are not there. */
  openSeries(
    sourceKey: number,
    assets: readonly string[],
    mayRegister: boolean,
  ): Promise<ReadonlyMap<string, number>>;
  /** The months in which lives of series lie, in days since 2000; made now where they are new. */
  openEpochs(
    lives: readonly { readonly seriesKey: number; readonly epoch: number }[],
  ): Promise<readonly number[]>;
  /** Assets of devices; those that are no device are absent. */
  assetsOf(devices: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Stores everything in one transaction: readings, dead letters, conflicts and counts. Rows whose key is there already
   * change nothing.
   *
   * @returns by submission
   */
  commit(submissions: readonly ReadingSubmission[]): Promise<CommittedReadings[]>;
  page(request: ReadingPageRequest): Promise<StoredReading[]>;
  conflicts(filter: ConflictFilter): Promise<ReadingConflict[]>;
  /** A column in equal steps of time; steps without a value are left out. */
  trend(request: TrendRequest): Promise<TrendPoint[]>;
  /** Assets that have readings of a source, in the order of their ids. */
  assetsIn(sourceKey: number): Promise<string[]>;
  /** Sources that have readings of an asset. */
  sourcesOf(asset: string): Promise<string[]>;
  /** Counts by source and adapter in minutes from `since` on. */
  counts(filter: { readonly source?: string; readonly since: string }): Promise<IntakeCountRow[]>;
}

export interface IntakeCountRow {
  readonly source: string;
  readonly adapter: string;
  readonly received: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly quarantined: number;
  readonly rejected: number;
}
