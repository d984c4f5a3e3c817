import type { ObjectRef } from "../../../schemas/object-ref.ts";

/** Batches that are committed and follow a position; nothing that commits later can come before them. */
export interface FollowedBatches {
  readonly follower: string;
  readonly batches: readonly number[];
  readonly nRows: number;
  /** Position before them. */
  readonly from: { readonly tx: string; readonly batch: number };
  /** Position after them: transaction and batch. */
  readonly tx: string;
  readonly batch: number;
}

/** One reading as the archive holds it. */
export interface ArchivedReading {
  readonly asset: string;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  readonly schemaVersion: number;
  readonly values: readonly (number | null)[];
}

export interface ReadingArchiveRow {
  readonly source: string;
  readonly object: ObjectRef;
  readonly rows: number;
  readonly archivedAt: string;
}

/** What is past its retention. */
export interface ExpiredReadings {
  readonly source: string;
  readonly rows: number;
}

export interface Reconciliation {
  readonly source: string;
  /** Stored readings by the ledger of batches, and by counting them. */
  readonly ledger: number;
  readonly found: number;
  readonly at: string;
}

/** The work on stored readings that nobody waits for. */
export interface ReadingUpkeepStore {
  /** Makes the partitions of this month and of as many after it. */
  prepareMonths(ahead: number): Promise<void>;
  /** The next batches for a follower, of at most about `maxRows` readings; undefined: there are none. */
  follow(follower: string, maxRows: number): Promise<FollowedBatches | undefined>;
  /** Adds the batches to the hours that they touch, once, and moves the follower on, in one transaction. @returns buckets */
  aggregate(batches: FollowedBatches): Promise<number>;
  /** Sources that the batches are of. */
  sourcesOf(batches: FollowedBatches): Promise<{ sourceKey: number; source: string }[]>;
  /** Hands over their readings of one source in the order of asset, epoch, time and sequence, some thousands at a time. */
  readBatches(
    batches: FollowedBatches,
    sourceKey: number,
    use: (rows: readonly ArchivedReading[]) => Promise<void>,
  ): Promise<void>;
  /** Records the parts that hold all readings of the batches, and moves the follower on, in one transaction. */
  recordArchives(
    batches: FollowedBatches,
    parts: readonly { readonly sourceKey: number; readonly object: ObjectRef; readonly rows: number }[],
  ): Promise<void>;
  archives(filter: { readonly source?: string; readonly limit: number }): Promise<ReadingArchiveRow[]>;
  /**
   * Removes readings that are past the retention of their source, in the archive and reconciled: whole months where all that
   * is left in them is, else row by row. What was kept about them is removed two months later.
   */
  expire(follower: string): Promise<ExpiredReadings[]>;
  /** Holds the ledger against the rows of batches that were not looked at yet. @returns by source that has any */
  reconcile(): Promise<Reconciliation[]>;
  /** Latest for each source. */
  reconciliations(): Promise<Reconciliation[]>;
}
