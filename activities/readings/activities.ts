import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { FollowedBatches } from "../../stores/postgres/port/reading-upkeep.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import type { ReadingsUploadInput, ReadingsUploadResult } from "./messages.ts";
import { putParquet } from "../parquet-object.ts";
import { takeUpload } from "./uploaded-readings.ts";

type ReadingsDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb" | "scratchDir">;

/** Partitions made before they are needed. */
const MONTHS_AHEAD = 2;
/** Readings whose hours are aggregated in one transaction. */
const AGGREGATED_ROWS = 200_000;
/** Readings of one part of the archive. */
const ARCHIVED_ROWS = 1_000_000;

const AGGREGATOR = "aggregate";
/** The follower that retention asks whether readings are in the archive. */
export const ARCHIVER = "archive";

/** What is done with readings that are stored. Every step may be repeated, and goes on where the last one ended. */
export function createReadingsActivities(deps: ReadingsDeps) {
  const { readingUpkeep } = deps.db;
  return {
    /** Makes the partitions of this month and the next ones. **Idempotency**: natural. **Retry**: work. */
    async prepareReadingMonths(): Promise<void> {
      await withHeartbeat(() => readingUpkeep.prepareMonths(MONTHS_AHEAD));
    },

    /**
     * Adds whatever was stored since the last time to the aggregates of its hours, also where a reading comes late.
     *
     * **Effects**: rows. **Idempotency**: position, moved with the rows. **Heartbeat**: 1 s. **Retry**: work.
     */
    async aggregateReadings(): Promise<{ buckets: number }> {
      return withHeartbeat(async (beat) => {
        let buckets = 0;
        for (;;) {
          const batches = await readingUpkeep.follow(AGGREGATOR, AGGREGATED_ROWS);
          if (batches === undefined || beat.signal.aborted) return { buckets };
          buckets += await readingUpkeep.aggregate(batches);
          beat.report({ buckets });
        }
      });
    },

    /**
     * Puts readings into the archive: Parquet parts by source, named by their hash.
     *
     * **Effects**: objects, rows. **Idempotency**: equal readings give equal parts; position, moved with the rows.
     * **Heartbeat**: 1 s. **Retry**: work.
     */
    async archiveReadings({ isNow }: { readonly isNow: boolean }): Promise<{ rows: number }> {
      return withHeartbeat(async (beat) => {
        let rows = 0;
        for (;;) {
          const batches = await readingUpkeep.follow(ARCHIVER, ARCHIVED_ROWS);
          if (batches === undefined || beat.signal.aborted) return { rows };
          // Small parts are for those who ask for them.
          if (!isNow && batches.nRows < ARCHIVED_ROWS / 2) return { rows };
          rows += await archive(deps, batches, beat);
          beat.report({ rows });
        }
      });
    },

    /**
     * Takes the readings of an uploaded file in.
     *
     * **Effects**: readings, rows. **Idempotency**: keys of readings; position, kept with the upload. **Heartbeat**: 1 s.
     * **Retry**: work.
     */
    async takeUploadedReadings({ id }: ReadingsUploadInput): Promise<ReadingsUploadResult> {
      return withHeartbeat(async (beat) => {
        const { received, stored } = await takeUpload(deps, id, beat);
        return { received, stored };
      });
    },

    /**
     * Removes readings past the retention of their source that are in the archive.
     *
     * **Effects**: deleted rows and partitions. **Idempotency**: natural. **Heartbeat**: 1 s. **Retry**: work.
     */
    async expireReadings(): Promise<{ rows: number }> {
      return withHeartbeat(async () => {
        const expired = await readingUpkeep.expire(ARCHIVER);
        return { rows: expired.reduce((sum, { rows }) => sum + rows, 0) };
      });
    },
  };
}

async function archive(deps: ReadingsDeps, batches: FollowedBatches, beat: Beat): Promise<number> {
  const { readingUpkeep } = deps.db;
  const folder = join(deps.scratchDir, `archive-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  try {
    const parts = [];
    for (const { sourceKey } of await readingUpkeep.sourcesOf(batches)) {
      beat.signal.throwIfAborted();
      const lines = join(folder, `${sourceKey}.jsonl`);
      const file = await open(lines, "w");
      try {
        await readingUpkeep.readBatches(batches, sourceKey, async (rows) => {
          await file.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
        });
      } finally {
        await file.close();
      }
      const path = join(folder, `${sourceKey}.parquet`);
      const rows = await deps.duckdb.copyToParquet(
        `SELECT * FROM read_json(${quoteLiteral(lines)}, format = 'newline_delimited', columns = ${COLUMNS})`,
        path,
        { orderBy: ["asset", "epoch", "ts", "seq"], signal: beat.signal },
      );
      const { object } = await putParquet(deps.objects, { path, rows, shard: 0 });
      parts.push({ sourceKey, object, rows });
    }
    await readingUpkeep.recordArchives(batches, parts);
    return parts.reduce((sum, { rows }) => sum + rows, 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `values` in the order of the source's columns, whose names its version tells. */
const COLUMNS =
  "{asset: 'VARCHAR', epoch: 'INTEGER', ts: 'BIGINT', seq: 'INTEGER', schemaVersion: 'INTEGER', values: 'DOUBLE[]'}";
