import type { Sql } from "../../connection/connection-pool.ts";
import type { FollowPosition } from "../../port/online.ts";

/** A commit of readings, in the order in which followers are given them. */
export interface CommittedBatch extends FollowPosition {
  /** Readings stored by it; 0 for sources that were not asked for. */
  readonly n: number;
}

export interface BatchLimits {
  /** Readings together, but for a batch that has more by itself. */
  readonly mostRows: number;
  readonly mostBatches: number;
  /** Sources whose readings count; default: all. */
  readonly sources?: readonly number[];
}

/**
 * The next commits behind a position. What is below the oldest open transaction is decided: a batch that commits late is never
 * passed over.
 */
export async function batchesAfter(
  sql: Sql,
  after: FollowPosition,
  { mostRows, mostBatches, sources }: BatchLimits,
): Promise<{ readonly batches: readonly CommittedBatch[]; readonly hasMore: boolean }> {
  const rows = await sql.query<CommittedBatch>(
    `select b.tx::text as tx, b.batch_id as batch,
            case when $4::int[] is null or b.source_key = any ($4) then b.n_stored else 0 end as n
       from aura.reading_batches b
      where (b.tx, b.batch_id) > ($1::xid8, $2) and b.tx < pg_snapshot_xmin(pg_current_snapshot())
      order by b.tx, b.batch_id limit $3`,
    [after.tx, after.batch, mostBatches, sources ?? null],
  );
  let nRows = 0;
  const end = rows.findIndex(({ n }, i) => (nRows += n) > mostRows && i > 0);
  const batches = end < 0 ? rows : rows.slice(0, end);
  return { batches, hasMore: batches.length < rows.length || rows.length === mostBatches };
}
