import { firstDayOf, monthOf } from "../../../../schemas/live/reading-month.ts";
import type { ConnectionPool, Transaction } from "../../connection/connection-pool.ts";
import { copyRows } from "../../connection/copy-rows.ts";
import { sqlStateOf } from "../../connection/database-errors.ts";
import type {
  CommittedReadings,
  ConflictFilter,
  IntakeCountRow,
  ReadingConflict,
  ReadingPageRequest,
  ReadingStore,
  ReadingSubmission,
  StoredReading,
  TrendPoint,
  TrendRequest,
} from "../../port/live.ts";
import { INTAKE_LOCK } from "./followed-batches.ts";
import { countIntake, writeLetters } from "./intake-accounts.ts";
import { listConflicts } from "./reading-conflicts.ts";
import { encodeReadings, READING_COLUMNS } from "./reading-encoder.ts";
import type { EncodedBatch } from "./reading-encoder.ts";

/** Who follows readings listens here; the payload is empty. */
export const READINGS_CHANNEL = "aura_readings";

/** A value as a mean takes it: of sums beyond these bounds PostgreSQL makes no number, and refuses. */
const TAME = "least(greatest(r.row_values[$6], -1e140), 1e140)";
const UNIQUE_VIOLATION = "23505";
/** As PostgreSQL calls a row that no partition takes. */
const NO_PARTITION = "23514";

/** Submissions of one source by one adapter: one batch of the ledger. */
interface LedgerBatch extends EncodedBatch {
  readonly places: readonly number[];
}

/**
 * Series of source $1 and asset $2. As one value, not a join: only then do the indexes give readings in the order of their keys,
 * and a page ends after its rows instead of sorting the series.
 */
const SERIES = `(select s.series_key from aura.reading_series s join aura.assets a using (asset_key)
                  where s.source_key = $1 and a.asset_id = $2)`;

/** Readings in monthly partitions, the ledger of their batches, dead letters and counts. */
export class PostgresReadingStore implements ReadingStore {
  readonly #pool: ConnectionPool;
  readonly #months = new Set<number>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async openSeries(
    sourceKey: number,
    assets: readonly string[],
    mayRegister: boolean,
  ): Promise<ReadonlyMap<string, number>> {
    const sorted = assets.toSorted();
    if (mayRegister)
      await this.#pool.query(
        "insert into aura.assets (asset_id) select unnest($1::text[]) on conflict do nothing",
        [sorted],
      );
    await this.#pool.query(
      `insert into aura.reading_series (source_key, asset_key)
       select $1, asset_key from aura.assets where asset_id = any ($2) order by asset_key on conflict do nothing`,
      [sourceKey, sorted],
    );
    const rows = await this.#pool.query<{ asset: string; key: number }>(
      `select a.asset_id as asset, s.series_key as key from aura.reading_series s join aura.assets a using (asset_key)
        where s.source_key = $1 and a.asset_id = any ($2)`,
      [sourceKey, sorted],
    );
    return new Map(rows.map(({ asset, key }) => [asset, key]));
  }

  async openEpochs(
    lives: readonly { readonly seriesKey: number; readonly epoch: number }[],
  ): Promise<readonly number[]> {
    const keys = [lives.map((l) => l.seriesKey), lives.map((l) => l.epoch)];
    await this.#pool.query(
      `insert into aura.reading_epochs (series_key, epoch, month)
       select distinct s, e, date_trunc('month', now() at time zone 'UTC')::date
         from unnest($1::int[], $2::int[]) as u (s, e) order by s, e on conflict do nothing`,
      keys,
    );
    const rows = await this.#pool.query<{ month: number }>(
      `select (r.month - date '2000-01-01') as month
         from unnest($1::int[], $2::int[]) with ordinality as u (s, e, place)
         join aura.reading_epochs r on r.series_key = u.s and r.epoch = u.e order by u.place`,
      keys,
    );
    return rows.map(({ month }) => month);
  }

  async assetsOf(devices: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#pool.query<{ device: string; asset: string }>(
      "select device_id as device, asset_id as asset from aura.devices where device_id = any ($1)",
      [devices],
    );
    return new Map(rows.map(({ device, asset }) => [device, asset]));
  }

  async commit(submissions: readonly ReadingSubmission[]): Promise<CommittedReadings[]> {
    try {
      return await this.#commitOnce(submissions);
    } catch (error) {
      if (sqlStateOf(error) !== NO_PARTITION) throw error;
      // A month that was empty was removed meanwhile.
      this.#months.clear();
      return this.#commitOnce(submissions);
    }
  }

  async #commitOnce(submissions: readonly ReadingSubmission[]): Promise<CommittedReadings[]> {
    await this.#ensureMonths(submissions);
    return this.#pool.transaction(async (tx) => {
      const batches = await openBatches(tx, submissions);
      const stored = await storeReadings(tx, submissions, batches);
      await correctBatches(tx, batches, stored);
      const nLetters = await writeLetters(tx, submissions);
      const committed = submissions.map(({ letters }, i): CommittedReadings => {
        const readings = stored[i] as StoredReadings;
        const quarantined = nLetters[i] as number;
        return { ...readings, duplicate: readings.duplicate + letters.length - quarantined, quarantined };
      });
      await wakeStale(tx, submissions);
      await countIntake(tx, submissions, committed);
      await tx.query(`notify ${READINGS_CHANNEL}`);
      return committed;
    });
  }

  page(request: ReadingPageRequest): Promise<StoredReading[]> {
    const { sourceKey, asset, since, until, after, limit, order, isTimestamp } = request;
    const [than, direction] = order === "oldest" ? [">", "asc"] : ["<", "desc"];
    const monthFrom = isTimestamp && since !== undefined ? firstDayOf(monthOf(since / 1_000)) : null;
    const monthUntil = isTimestamp && until !== undefined ? firstDayOf(monthOf(until / 1_000)) : null;
    return this.#pool.query(
      `select $2::text as asset, (select source from aura.live_sources where source_key = $1) as source, r.epoch, r.ts,
              r.seq, r.schema_version as "schemaVersion", r.row_values as "values"
         from aura.readings r
        where r.series_key = ${SERIES}
          and ($3::bigint is null or r.ts >= $3) and ($4::bigint is null or r.ts < $4)
          and ($5::date is null or r.month >= $5) and ($6::date is null or r.month <= $6)
          and ($7::int is null or (r.epoch, r.ts, r.seq) ${than} ($7, $8, $9))
        order by r.epoch ${direction}, r.ts ${direction}, r.seq ${direction} limit $10`,
      [
        sourceKey,
        asset,
        since ?? null,
        until ?? null,
        monthFrom,
        monthUntil,
        after?.epoch ?? null,
        after?.ts ?? null,
        after?.seq ?? null,
        limit,
      ],
    );
  }

  conflicts(filter: ConflictFilter): Promise<ReadingConflict[]> {
    return listConflicts(this.#pool, filter);
  }

  trend(request: TrendRequest): Promise<TrendPoint[]> {
    const { sourceKey, source, asset, column, place, since, until, bucket, isAggregated } = request;
    const start = (t: string) => `${t} - ((${t} % $5::bigint) + $5) % $5`;
    if (isAggregated)
      return this.#pool.query(
        `select ${start("bucket_start")} as start, sum(n_readings)::bigint as n, sum(mean * n_readings) / sum(n_readings) as mean,
                min(minimum) as min, max(maximum) as max
           from aura.telemetry_aggregates
          where source = $1 and asset_id = $2 and bucket_start >= $3 and bucket_start < $4 and column_name = $6
          group by 1 order by 1`,
        [source, asset, since, until, bucket, column],
      );
    return this.#pool.query(
      `select ${start("r.ts")} as start, count(*) as n, avg(${TAME}) as mean, min(r.row_values[$6]) as min,
              max(r.row_values[$6]) as max
         from aura.readings r
        where r.series_key = ${SERIES} and r.ts >= $3 and r.ts < $4
          and r.month between $7::date and $8::date and r.row_values[$6] is not null
        group by 1 order by 1`,
      [
        sourceKey,
        asset,
        since,
        until,
        bucket,
        place + 1,
        firstDayOf(monthOf(since / 1_000)),
        firstDayOf(monthOf(until / 1_000)),
      ],
    );
  }

  async assetsIn(sourceKey: number): Promise<string[]> {
    const rows = await this.#pool.query<{ asset: string }>(
      `select a.asset_id as asset from aura.reading_series s join aura.assets a using (asset_key)
        where s.source_key = $1 order by a.asset_id`,
      [sourceKey],
    );
    return rows.map(({ asset }) => asset);
  }

  async sourcesOf(asset: string): Promise<string[]> {
    const rows = await this.#pool.query<{ source: string }>(
      `select l.source from aura.assets a join aura.reading_series s using (asset_key)
         join aura.live_sources l using (source_key) where a.asset_id = $1 order by l.source`,
      [asset],
    );
    return rows.map(({ source }) => source);
  }

  counts({ source, since }: { readonly source?: string; readonly since: string }): Promise<IntakeCountRow[]> {
    return this.#pool.query(
      `select l.source, c.adapter, sum(n_received)::bigint as received, sum(n_stored)::bigint as stored,
              sum(n_duplicate)::bigint as duplicate, sum(n_conflict)::bigint as conflict,
              sum(n_quarantined)::bigint as quarantined, sum(n_rejected)::bigint as rejected
         from aura.intake_counts c join aura.live_sources l using (source_key)
        where ($1::text is null or l.source = $1) and c.minute >= $2::timestamptz
        group by l.source, c.adapter order by l.source, c.adapter`,
      [source ?? null, since],
    );
  }

  /** Outside the transaction: making a month waits for everyone who writes. */
  async #ensureMonths(submissions: readonly ReadingSubmission[]): Promise<void> {
    const missing = new Set<number>();
    for (const { rows } of submissions)
      for (const { month } of rows) if (!this.#months.has(month)) missing.add(month);
    for (const month of missing) {
      await this.#pool.query("select aura.ensure_reading_month($1)", [firstDayOf(month)]);
      this.#months.add(month);
    }
  }
}

/** A series that is heard of again is no longer stale; nearly always nothing is marked, and the statement finds that at once. */
async function wakeStale(tx: Transaction, submissions: readonly ReadingSubmission[]): Promise<void> {
  const series = new Set<number>();
  for (const { rows } of submissions) for (const { seriesKey } of rows) series.add(seriesKey);
  if (series.size > 0)
    await tx.query("delete from aura.stale_assets where series_key = any ($1)", [[...series]]);
}

async function openBatches(
  tx: Transaction,
  submissions: readonly ReadingSubmission[],
): Promise<LedgerBatch[]> {
  const groups = new Map<string, number[]>();
  submissions.forEach(({ sourceKey, adapter, schemaVersion, rows }, place) => {
    if (rows.length === 0) return;
    const key = `${sourceKey} ${schemaVersion} ${adapter}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [place]);
    else group.push(place);
  });
  const places = [...groups.values()];
  if (places.length === 0) return [];
  const firsts = places.map(([first]) => submissions[first as number] as ReadingSubmission);
  const nRows = places.map((group) =>
    group.reduce((sum, place) => sum + rowsOf(submissions, place).length, 0),
  );
  const ids = await tx.query<{ id: number }>(
    // The first write of its transaction: the lock is there before the id.
    `with intake as materialized (select pg_advisory_xact_lock_shared($4))
     insert into aura.reading_batches (source_key, adapter, n_stored)
     select u.* from intake, unnest($1::int[], $2::text[], $3::int[]) as u returning batch_id as id`,
    [firsts.map((s) => s.sourceKey), firsts.map((s) => s.adapter), nRows, INTAKE_LOCK],
  );
  return places.map((group, i) => ({
    batchId: ids[i]?.id ?? 0,
    schemaVersion: firsts[i]?.schemaVersion ?? 0,
    places: group,
    rows: concatenated(submissions, group),
  }));
}

const rowsOf = (submissions: readonly ReadingSubmission[], place: number) =>
  (submissions[place] as ReadingSubmission).rows;

function concatenated(submissions: readonly ReadingSubmission[], places: readonly number[]) {
  return {
    *[Symbol.iterator]() {
      for (const place of places) yield* rowsOf(submissions, place);
    },
  };
}

/** What became of the rows of one submission. */
type StoredReadings = Omit<CommittedReadings, "quarantined">;

const storedWhole = (stored: number): StoredReadings => ({
  stored,
  duplicate: 0,
  conflict: 0,
  conflicts: [],
});

/** Straight into the table while no key is there; else by way of a table that tells new keys from known ones. */
async function storeReadings(
  tx: Transaction,
  submissions: readonly ReadingSubmission[],
  batches: readonly LedgerBatch[],
): Promise<StoredReadings[]> {
  if (batches.length === 0) return submissions.map(() => storedWhole(0));
  await tx.query("savepoint readings");
  try {
    await copyRows(
      tx.client,
      `copy aura.readings (${READING_COLUMNS}) from stdin with (format binary)`,
      encodeReadings(batches),
    );
    return submissions.map(({ rows }) => storedWhole(rows.length));
  } catch (error) {
    if (sqlStateOf(error) !== UNIQUE_VIOLATION) throw error;
    await tx.query("rollback to savepoint readings");
    return storeNew(tx, submissions, batches);
  }
}

const KEY = "series_key, epoch, ts, seq, month";

/** Values with nulls behind them, as many as others have more: a column that was added since is missing in what came before. */
const widened = (values: string, others: string): string =>
  `(${values}.row_values || array_fill(null::float8, array[greatest(0, cardinality(${others}.row_values) - cardinality(${values}.row_values))]))`;

async function storeNew(
  tx: Transaction,
  submissions: readonly ReadingSubmission[],
  batches: readonly LedgerBatch[],
): Promise<StoredReadings[]> {
  await tx.query(
    `create temporary table incoming (like aura.readings, place integer generated always as identity) on commit drop`,
  );
  await copyRows(
    tx.client,
    `copy incoming (${READING_COLUMNS}) from stdin with (format binary)`,
    encodeReadings(batches),
  );
  const stored = await tx.query<{ place: number }>(
    `with firsts as (select distinct on (${KEY}) * from incoming order by ${KEY}, place),
          written as (insert into aura.readings (${READING_COLUMNS})
                      select ${READING_COLUMNS} from firsts order by ${KEY}
                      on conflict do nothing returning ${KEY})
     select f.place from firsts f join written using (${KEY})`,
  );
  const conflicts = await tx.query<{ place: number }>(
    `with other as (select i.place, i.series_key, i.epoch, i.ts, i.seq, r.row_values as kept, i.row_values as refused
                      from incoming i join aura.readings r using (${KEY})
                     where ${widened("i", "r")} is distinct from ${widened("r", "i")}),
          noted as (insert into aura.reading_conflicts (series_key, epoch, ts, seq, kept, refused)
                    select series_key, epoch, ts, seq, kept, refused from other order by place)
     select place from other`,
  );
  const origins = batches.flatMap(({ places }) =>
    places.flatMap((submission) => rowsOf(submissions, submission).map((_, row) => ({ submission, row }))),
  );
  const rowsBySubmission = (found: readonly { readonly place: number }[]): number[][] => {
    const rows = submissions.map((): number[] => []);
    for (const { place } of found) {
      const origin = origins[place - 1];
      if (origin !== undefined) rows[origin.submission]?.push(origin.row);
    }
    return rows;
  };
  const [storedRows, conflictRows] = [rowsBySubmission(stored), rowsBySubmission(conflicts)];
  return submissions.map(({ rows }, i) => {
    const nStored = storedRows[i]?.length ?? 0;
    const own = conflictRows[i] ?? [];
    return { stored: nStored, duplicate: rows.length - nStored, conflict: own.length, conflicts: own };
  });
}

/** The ledger says what was stored, not what was sent. */
async function correctBatches(
  tx: Transaction,
  batches: readonly LedgerBatch[],
  committed: readonly StoredReadings[],
): Promise<void> {
  if (committed.every(({ duplicate }) => duplicate === 0)) return;
  const stored = batches.map(({ places }) =>
    places.reduce((sum, place) => sum + (committed[place]?.stored ?? 0), 0),
  );
  await tx.query(
    `update aura.reading_batches b set n_stored = u.n from unnest($1::bigint[], $2::int[]) as u (id, n)
      where b.batch_id = u.id`,
    [batches.map(({ batchId }) => batchId), stored],
  );
}
