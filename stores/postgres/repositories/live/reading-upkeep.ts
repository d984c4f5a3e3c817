import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { liveSourceSchema, spanMs } from "../../../../schemas/live/source.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import type { FollowPosition } from "../../port/online.ts";
import { batchesAfter } from "./followed-batches.ts";
import type {
  ArchivedReading,
  ExpiredReadings,
  FollowedBatches,
  ReadingArchiveRow,
  ReadingUpkeepStore,
  Reconciliation,
} from "../../port/reading-upkeep.ts";

const FETCH_ROWS = 5_000;
const MOST_BATCHES = 10_000;
const HOUR_MICROS = 3_600_000_000;
const RECONCILER = "reconcile";
/** Batches looked at in one step of a reconciliation. */
const RECONCILED_ROWS = 2_000_000;
/** Rows deleted by one statement, so that none lasts long. */
const DELETED_ROWS = 20_000;
/** Batches and counts outlive their readings by so much: a life in cycles is kept by its month, and its last one may be long. */
const FORGOTTEN_AFTER_MS = 62 * 86_400_000;
/** One reconciles at a time; any constant that nobody else uses will do. */
const RECONCILE_LOCK = 0x72656364;

/**
 * A value as means and deviations take it: squares of what is beyond these bounds are no numbers, at which PostgreSQL gives up, and
 * with it all that follows. No sensor measures there.
 */
const TAME = `case when abs(v.value) < 1e-140 then 0 else least(greatest(v.value, -1e140), 1e140) end`;

/** Work on stored readings: aggregates, archive, retention and reconciliation. */
export class PostgresReadingUpkeep implements ReadingUpkeepStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async prepareMonths(ahead: number): Promise<void> {
    for (let month = 0; month <= ahead; month++) {
      await this.#pool.query(
        "select aura.ensure_reading_month((date_trunc('month', now() at time zone 'UTC') + make_interval(months => $1))::date)",
        [month],
      );
    }
  }

  async follow(follower: string, maxRows: number): Promise<FollowedBatches | undefined> {
    return follow(this.#pool, follower, maxRows);
  }

  aggregate(batches: FollowedBatches): Promise<number> {
    return this.#pool.transaction(async (tx) => {
      await tx.query("set local statement_timeout = 0");
      // What is added twice would count twice: whoever was slower than another adds nothing.
      if (!(await isAtStart(tx, batches))) return 0;
      const written = await tx.query(
        `with arrived as (
           select l.source, a.asset_id, r.row_values, r.ts - ((r.ts % ${HOUR_MICROS}) + ${HOUR_MICROS}) % ${HOUR_MICROS} as start
             from aura.readings r join aura.reading_series s using (series_key)
             join aura.live_sources l using (source_key) join aura.assets a using (asset_key)
            where r.batch_id between $1 and $2 and r.batch_id = any ($3)
              and ${NEWEST}->'time'->>'kind' = 'timestamp'),
         columns as (
           select l.source, c.place, c.document->>'name' as name
             from aura.live_sources l,
                  json_array_elements(${NEWEST}->'columns') with ordinality as c (document, place)
            where c.document->>'type' in ('float', 'integer', 'boolean'))
         insert into aura.telemetry_aggregates as t
           (source, asset_id, column_name, bucket_start, bucket_length, n_readings, mean, minimum, maximum, stddev)
         select a.source, a.asset_id, c.name, a.start, ${HOUR_MICROS}, count(*), avg(${TAME}), min(v.value), max(v.value),
                stddev_pop(${TAME})
           from arrived a
           cross join unnest(a.row_values) with ordinality as v (value, place)
           join columns c on c.source = a.source and c.place = v.place
          where v.value is not null
          group by a.source, a.asset_id, c.name, a.start
         on conflict (source, asset_id, column_name, bucket_length, bucket_start) do update set
           n_readings = t.n_readings + excluded.n_readings,
           mean = t.mean + (excluded.mean - t.mean) * (excluded.n_readings::float8 / (t.n_readings + excluded.n_readings)),
           minimum = least(t.minimum, excluded.minimum), maximum = greatest(t.maximum, excluded.maximum),
           stddev = sqrt((t.n_readings * t.stddev * t.stddev + excluded.n_readings * excluded.stddev * excluded.stddev)
                           / (t.n_readings + excluded.n_readings)
                         + (excluded.mean - t.mean) * (excluded.mean - t.mean)
                           * (t.n_readings::float8 / (t.n_readings + excluded.n_readings))
                           * (excluded.n_readings::float8 / (t.n_readings + excluded.n_readings)))
         returning 1`,
        rangeOf(batches),
      );
      await move(tx, batches);
      return written.length;
    });
  }

  sourcesOf({ batches }: FollowedBatches): Promise<{ sourceKey: number; source: string }[]> {
    return this.#pool.query(
      `select distinct l.source_key as "sourceKey", l.source from aura.reading_batches b join aura.live_sources l using (source_key)
        where b.batch_id = any ($1) and b.n_stored > 0 order by l.source`,
      [batches],
    );
  }

  readBatches(
    batches: FollowedBatches,
    sourceKey: number,
    use: (rows: readonly ArchivedReading[]) => Promise<void>,
  ): Promise<void> {
    return this.#pool.transaction(async (tx) => {
      await tx.query("set local statement_timeout = 0");
      await tx.query(
        `declare archived no scroll cursor for
         select a.asset_id as asset, r.epoch, r.ts, r.seq, r.schema_version as "schemaVersion", r.row_values as "values"
           from aura.readings r join aura.reading_series s using (series_key) join aura.assets a using (asset_key)
          where r.batch_id between $1 and $2 and r.batch_id = any ($3) and s.source_key = $4
          order by a.asset_id collate "C", r.epoch, r.ts, r.seq`,
        [...rangeOf(batches), sourceKey],
      );
      for (;;) {
        const rows = await tx.query<ArchivedReading>(`fetch ${FETCH_ROWS} from archived`);
        if (rows.length === 0) return;
        await use(rows);
      }
    });
  }

  recordArchives(
    batches: FollowedBatches,
    parts: readonly { readonly sourceKey: number; readonly object: ObjectRef; readonly rows: number }[],
  ): Promise<void> {
    return this.#pool.transaction(async (tx) => {
      for (const { sourceKey, object, rows } of parts) {
        await tx.query(
          `insert into aura.reading_archives (source_key, object_key, object_sha256, object_bytes, n_rows)
           values ($1, $2, $3, $4, $5) on conflict (source_key, object_sha256) do nothing`,
          [sourceKey, object.key, object.sha256, object.bytes, rows],
        );
      }
      await move(tx, batches);
    });
  }

  archives({
    source,
    limit,
  }: {
    readonly source?: string;
    readonly limit: number;
  }): Promise<ReadingArchiveRow[]> {
    return this.#pool.query(
      `select l.source, json_build_object('key', r.object_key, 'sha256', r.object_sha256, 'bytes', r.object_bytes) as object,
              r.n_rows as rows, r.archived_at as "archivedAt"
         from aura.reading_archives r join aura.live_sources l using (source_key)
        where $1::text is null or l.source = $1 order by r.archive_id desc limit $2`,
      [source ?? null, limit],
    );
  }

  async expire(follower: string): Promise<ExpiredReadings[]> {
    const expired: ExpiredReadings[] = [];
    for (const { sourceKey, source, document } of await this.#sources()) {
      const { retention, time } = liveSourceSchema.parse(document);
      const before = new Date(Date.now() - spanMs(retention));
      const isTimestamp = time.kind === "timestamp";
      let rows = 0;
      for (let n = DELETED_ROWS; n === DELETED_ROWS; rows += n) {
        n = await this.#deleteSome(follower, { sourceKey, before, isTimestamp });
      }
      if (rows > 0) expired.push({ source, rows });
      await this.#forget(sourceKey, new Date(before.getTime() - FORGOTTEN_AFTER_MS));
    }
    await this.#dropEmptyMonths();
    return expired;
  }

  async reconcile(): Promise<Reconciliation[]> {
    return this.#pool.transaction(async (tx) => {
      const [lock] = await tx.query<{ taken: boolean }>("select pg_try_advisory_xact_lock($1) as taken", [
        RECONCILE_LOCK,
      ]);
      const batches = lock?.taken === true ? await follow(tx, RECONCILER, RECONCILED_ROWS) : undefined;
      if (batches === undefined) return [];
      const rows = await tx.query<Reconciliation>(
        `with ledger as (select source_key, sum(n_stored) as n from aura.reading_batches where batch_id = any ($3) group by source_key),
              found as (select s.source_key, count(*) as n from aura.readings r join aura.reading_series s using (series_key)
                         where r.batch_id between $1 and $2 and r.batch_id = any ($3) group by s.source_key)
         insert into aura.intake_reconciliations as i (source_key, up_to_batch, n_ledger, n_found)
         select source_key, $4, coalesce(l.n, 0), coalesce(f.n, 0) from ledger l full join found f using (source_key)
         on conflict (source_key, up_to_batch) do update set n_ledger = excluded.n_ledger, n_found = excluded.n_found,
           at = clock_timestamp()
         returning (select source from aura.live_sources l where l.source_key = i.source_key) as source,
                   n_ledger as ledger, n_found as found, at`,
        [...rangeOf(batches), batches.batch],
      );
      await move(tx, batches);
      return rows;
    });
  }

  reconciliations(): Promise<Reconciliation[]> {
    return this.#pool.query(
      `select distinct on (l.source) l.source, i.n_ledger as ledger, i.n_found as found, i.at
         from aura.intake_reconciliations i join aura.live_sources l using (source_key)
        order by l.source, i.at desc`,
    );
  }

  #sources(): Promise<{ sourceKey: number; source: string; document: unknown }[]> {
    return this.#pool.query(
      `select l.source_key as "sourceKey", l.source, ${NEWEST} as document from aura.live_sources l order by l.source`,
    );
  }

  /** What was kept about readings that are no longer there: without it these tables would grow for ever. */
  async #forget(sourceKey: number, before: Date): Promise<void> {
    const own = "source_key = $1";
    // Who follows the readings still needs what is ahead of him, however old.
    const followed = `not exists (select from aura.reading_positions p
      where (p.tx, p.batch_id) < (reading_batches.tx, reading_batches.batch_id))`;
    for (const [table, since, isOwn] of [
      ["reading_batches", "committed_at", `${own} and ${followed}`],
      ["intake_counts", "minute", own],
      ["intake_reconciliations", "at", own],
      ["dead_letters", "received_at", own],
      [
        "reading_conflicts",
        "at",
        "series_key in (select series_key from aura.reading_series where source_key = $1)",
      ],
    ] as const) {
      for (let n = DELETED_ROWS; n === DELETED_ROWS;) {
        const gone = await this.#pool.query<{ n: number }>(
          `with gone as (
             delete from aura.${table} where ctid = any (array(
               select ctid from aura.${table} where ${isOwn} and ${since} < $2 limit ${DELETED_ROWS})) returning 1)
           select count(*) as n from gone`,
          [sourceKey, before],
        );
        n = gone[0]?.n ?? 0;
      }
    }
  }

  /** Only what all who follow the readings have passed: the archive has it, and it was counted. */
  async #deleteSome(
    follower: string,
    { sourceKey, before, isTimestamp }: { sourceKey: number; before: Date; isTimestamp: boolean },
  ): Promise<number> {
    const day = before.toISOString().slice(0, 10);
    const [row] = await this.#pool.query<{ n: number }>(
      `with gone as (
         delete from aura.readings r using aura.reading_series s
          where s.series_key = r.series_key and s.source_key = $1 and r.month <= $2::date
            and (r.series_key, r.epoch, r.ts, r.seq, r.month) in (
              select q.series_key, q.epoch, q.ts, q.seq, q.month
                from aura.readings q join aura.reading_series z using (series_key)
                join aura.reading_batches b using (batch_id), aura.reading_positions p, aura.reading_positions c
               where z.source_key = $1 and q.month <= $2::date and p.follower = $3 and c.follower = '${RECONCILER}'
                 and (b.tx, b.batch_id) <= (p.tx, p.batch_id) and (b.tx, b.batch_id) <= (c.tx, c.batch_id)
                 and case when $4 then q.ts < $5::bigint else q.month < date_trunc('month', $2::date) end
               limit ${DELETED_ROWS})
         returning 1)
       select count(*) as n from gone`,
      [sourceKey, day, follower, isTimestamp, before.getTime() * 1_000],
    );
    return row?.n ?? 0;
  }

  /** Months that are over and hold nothing any more; those that are to come stay. */
  async #dropEmptyMonths(): Promise<void> {
    const months = await this.#pool.query<{ month: string }>(
      `select to_char(to_date(right(c.relname, 7), 'YYYY_MM'), 'YYYY-MM-DD') as month
         from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'aura.readings'::regclass
          and to_date(right(c.relname, 7), 'YYYY_MM') < date_trunc('month', now() at time zone 'UTC')`,
    );
    for (const { month } of months) {
      await this.#pool.transaction(async (tx) => {
        const [row] = await tx.query<{ any: boolean }>(
          `select exists (select from aura.readings where month >= $1::date and month < $1::date + interval '1 month') as any`,
          [month],
        );
        if (row?.any === false) await tx.query("select aura.drop_reading_month($1)", [month]);
      });
    }
  }
}

/** Newest declaration of a source `l`. */
const NEWEST = `(select v.document from aura.source_versions v where v.source_key = l.source_key order by v.version desc limit 1)`;

/** First, last and all of some batches: the range lets the index by blocks leave out what is far from them. */
function rangeOf({ batches }: FollowedBatches): [number, number, readonly number[]] {
  const least = batches.reduce((a, b) => Math.min(a, b), Infinity);
  const most = batches.reduce((a, b) => Math.max(a, b), -Infinity);
  return [least, most, batches];
}

async function follow(sql: Sql, follower: string, mostRows: number): Promise<FollowedBatches | undefined> {
  await sql.query("insert into aura.reading_positions (follower) values ($1) on conflict do nothing", [
    follower,
  ]);
  const [position] = await sql.query<FollowPosition>(
    "select tx::text as tx, batch_id as batch from aura.reading_positions where follower = $1",
    [follower],
  );
  if (position === undefined) return undefined;
  const { batches } = await batchesAfter(sql, position, { mostRows, mostBatches: MOST_BATCHES });
  const last = batches.at(-1);
  if (last === undefined) return undefined;
  const nRows = batches.reduce((sum, { n }) => sum + n, 0);
  return {
    follower,
    nRows,
    from: position,
    tx: last.tx,
    batch: last.batch,
    batches: batches.map(({ batch }) => batch),
  };
}

/** Whether the follower still is where these batches begin; until the end of the transaction nobody moves it. */
async function isAtStart(tx: Sql, { follower, from }: FollowedBatches): Promise<boolean> {
  const [row] = await tx.query<{ is: boolean }>(
    `select (tx, batch_id) = ($2::xid8, $3) as is from aura.reading_positions where follower = $1 for update`,
    [follower, from.tx, from.batch],
  );
  return row?.is === true;
}

async function move(sql: Sql, { follower, tx, batch }: FollowedBatches): Promise<void> {
  await sql.query(
    `update aura.reading_positions set tx = $2::xid8, batch_id = $3, moved_at = clock_timestamp()
      where follower = $1 and (tx, batch_id) < ($2::xid8, $3)`,
    [follower, tx, batch],
  );
}
