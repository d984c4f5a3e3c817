import type { Sql } from "../../connection/connection-pool.ts";
import type { FollowPosition } from "../../port/online.ts";

/**
 * Whoever writes a batch holds this, shared, from before its transaction has an id to its end. So a follower can tell open
 * transactions that may still bring readings from all others: those may last for minutes, and concern nobody here.
 */
export const INTAKE_LOCK = 1_635_087_460;

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
  /** Transaction id below which everything is decided; default: the oldest open transaction's of any kind. */
  readonly below?: string;
}

/**
 * The next commits behind a position. What is below the oldest open transaction is decided: a batch that commits late is never
 * passed over.
 */
export async function batchesAfter(
  sql: Sql,
  after: FollowPosition,
  { mostRows, mostBatches, sources, below }: BatchLimits,
): Promise<{ readonly batches: readonly CommittedBatch[]; readonly hasMore: boolean }> {
  const rows = await sql.query<CommittedBatch>(
    `select b.tx::text as tx, b.batch_id as batch,
            case when $4::int[] is null or b.source_key = any ($4) then b.n_stored else 0 end as n
       from aura.reading_batches b
      where (b.tx, b.batch_id) > ($1::xid8, $2) and b.tx < coalesce($5::xid8, pg_snapshot_xmin(pg_current_snapshot()))
      order by b.tx, b.batch_id limit $3`,
    [after.tx, after.batch, mostBatches, sources ?? null, below ?? null],
  );
  let nRows = 0;
  const end = rows.findIndex(({ n }, i) => (nRows += n) > mostRows && i > 0);
  const batches = end < 0 ? rows : rows.slice(0, end);
  return { batches, hasMore: batches.length < rows.length || rows.length === mostBatches };
}

/**
 * The transaction id below which no batch can come any more.
 *
 * Ids that are open are those of a snapshot that is taken before the locks are looked at; of them count those whose owner holds
 * the lock of intake. One that does not has ended, and a later statement sees what it wrote: an end is visible before locks are
 * given up. One that took the lock since has an id behind the snapshot.
 */
export async function oldestIntake(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ below: string }>(
    `with open as materialized (
       select x, mod(x::text::numeric, 4294967296)::bigint as short from pg_snapshot_xip(pg_current_snapshot()) as x),
     intakes as materialized (
       select h.transactionid::text::bigint as short
         from pg_locks l join pg_locks h on h.pid = l.pid and h.locktype = 'transactionid' and h.mode = 'ExclusiveLock'
        where l.locktype = 'advisory' and l.classid = 0 and l.objid = $1 and l.objsubid = 1
          and l.database = (select oid from pg_database where datname = current_database()))
     select coalesce((select x from open where short in (select short from intakes) order by x limit 1),
                     pg_snapshot_xmax(pg_current_snapshot()))::text as below`,
    [INTAKE_LOCK],
  );
  return row?.below ?? "0";
}
