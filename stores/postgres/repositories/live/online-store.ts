import type { ConnectionPool, Transaction } from "../../connection/connection-pool.ts";
import type { AliasListener } from "../../connection/alias-listener.ts";
import type {
  AssetScore,
  FollowedReading,
  FollowedReadings,
  FollowPosition,
  OnlineStore,
  RegisteredAttributes,
  Replayed,
  ReplayRequest,
  ScorerAddress,
  ShardLease,
  StoredCheckpoint,
  TakeReplayed,
} from "../../port/online.ts";
import { json } from "../../connection/row-types.ts";
import { N_SHARDS, shardSql } from "../../../../schemas/live/shard.ts";
import { batchesAfter, oldestIntake } from "./followed-batches.ts";
import { replayReadings } from "./replay.ts";
import { putScores, readScores } from "./asset-scores.ts";

/** One settles the shares at a time. */
const SHARES_LOCK = 1_635_087_458;
/** Readings given out at once, but for a batch that has more by itself. */
const MOST_READINGS = 20_000;
const MOST_BATCHES = 500;
const HELD_MS = 50;
const MOST_HELD = 1_000;

/** Leases of shards, the way of committed readings to scorers, and the latest scores. */
export class PostgresOnlineStore implements OnlineStore {
  readonly #pool: ConnectionPool;
  readonly #listener: AliasListener;
  /** When followers were first held back at a position. */
  readonly #heldSince = new Map<string, number>();

  /** @param listener of the channel of readings */
  constructor(pool: ConnectionPool, listener: AliasListener) {
    this.#pool = pool;
    this.#listener = listener;
  }

  renew({ scorerId, url, secret }: ScorerAddress, ttlMs: number): Promise<readonly ShardLease[]> {
    return this.#pool.transaction(async (tx) => {
      await tx.query("select pg_advisory_xact_lock($1)", [SHARES_LOCK]);
      await tx.query(
        `insert into aura.scorers (scorer_id, url, secret) values ($1, $2, $3)
         on conflict (scorer_id) do update set url = excluded.url, secret = excluded.secret, seen_at = clock_timestamp()`,
        [scorerId, url, secret],
      );
      await tx.query("delete from aura.scorers where seen_at < clock_timestamp() - interval '1 day'");
      const [alive] = await tx.query<{ n: number }>(
        "select count(*)::int as n from aura.scorers where seen_at > clock_timestamp() - $1 * interval '1 ms'",
        [ttlMs],
      );
      return settleShare(tx, { scorerId, ttlMs, share: Math.ceil(N_SHARDS / Math.max(1, alive?.n ?? 1)) });
    });
  }

  async leave(scorerId: string): Promise<void> {
    await this.#pool.query("update aura.shard_leases set expires_at = '-infinity' where scorer_id = $1", [
      scorerId,
    ]);
    await this.#pool.query("delete from aura.scorers where scorer_id = $1", [scorerId]);
  }

  owners(): Promise<readonly (ScorerAddress & { readonly shard: number })[]> {
    return this.#pool.query(
      `select l.shard, s.scorer_id as "scorerId", s.url, s.secret
         from aura.shard_leases l join aura.scorers s using (scorer_id)
        where l.expires_at > clock_timestamp() order by l.shard`,
    );
  }

  async present(): Promise<FollowPosition> {
    const [row] = await this.#pool.query<{ tx: string }>(
      "select pg_snapshot_xmin(pg_current_snapshot())::text as tx",
    );
    return { tx: row?.tx ?? "0", batch: 0 };
  }

  async follow(
    after: FollowPosition,
    { sources, shards }: { readonly sources: readonly number[]; readonly shards: readonly number[] },
  ): Promise<FollowedReadings> {
    const limits = { mostRows: MOST_READINGS, mostBatches: MOST_BATCHES, sources };
    let found = await batchesAfter(this.#pool, after, limits);
    if (found.batches.length === 0) {
      if (!(await this.#isHeldBack(after)))
        return { readings: [], upTo: after, hasMore: false, isHeldBack: false };
      if (!this.#isHeldForLong(after)) return { readings: [], upTo: after, hasMore: false, isHeldBack: true };
      // Perhaps by one that has nothing to do with readings.
      const below = await oldestIntake(this.#pool);
      found = await batchesAfter(this.#pool, after, { ...limits, below });
    }
    const { batches: taken, hasMore } = found;
    const last = taken.at(-1);
    if (last === undefined) return { readings: [], upTo: after, hasMore: false, isHeldBack: true };
    return {
      readings: await this.#readingsOf(
        taken.filter(({ n }) => n > 0).map(({ batch }) => batch),
        shards,
      ),
      upTo: { tx: last.tx, batch: last.batch },
      hasMore,
      isHeldBack: !hasMore && (await this.#isHeldBack(last)),
    };
  }

  /** Those that bring readings are over in some milliseconds; who else is open is worth a look only where it lasts. */
  #isHeldForLong({ tx, batch }: FollowPosition): boolean {
    const position = `${tx} ${batch}`;
    const now = performance.now();
    const since = this.#heldSince.get(position);
    if (since !== undefined) return now - since > HELD_MS;
    if (this.#heldSince.size >= MOST_HELD) this.#heldSince.clear();
    this.#heldSince.set(position, now);
    return false;
  }

  async #isHeldBack({ tx, batch }: FollowPosition): Promise<boolean> {
    const [row] = await this.#pool.query<{ is: boolean }>(
      "select exists (select from aura.reading_batches where (tx, batch_id) > ($1::xid8, $2)) as is",
      [tx, batch],
    );
    return row?.is === true;
  }

  async #readingsOf(batches: readonly number[], shards: readonly number[]): Promise<FollowedReading[]> {
    if (batches.length === 0 || shards.length === 0) return [];
    const isAll = shards.length === N_SHARDS;
    const rows = await this.#pool.query<Omit<FollowedReading, "committedAt"> & { committedAt: string }>(
      `select a.asset_id as asset, s.source_key as "sourceKey", r.epoch, r.ts, r.seq, r.row_values as "values",
              b.tx::text as tx, b.committed_at as "committedAt"
         from aura.readings r
         join aura.reading_batches b on b.batch_id = r.batch_id
         join aura.reading_series s using (series_key)
         join aura.assets a using (asset_key)
        where r.batch_id between $1 and $2 and r.batch_id = any ($3)
              ${isAll ? "and $4::int[] is not null" : `and ${shardSql("a.asset_id")} = any ($4)`}
        order by b.tx, b.batch_id, r.epoch, r.ts, r.seq`,
      [Math.min(...batches), Math.max(...batches), batches, shards],
    );
    return rows.map((row) => ({ ...row, committedAt: Date.parse(row.committedAt) }));
  }

  touched(
    after: FollowPosition,
    until: FollowPosition,
    { sources, shards }: { readonly sources: readonly number[]; readonly shards: readonly number[] },
  ): Promise<readonly { readonly sourceKey: number; readonly asset: string }[]> {
    return this.#pool.query(
      `with batches as materialized (
         select batch_id from aura.reading_batches
          where (tx, batch_id) > ($1::xid8, $2) and (tx, batch_id) <= ($3::xid8, $4) and source_key = any ($5)),
       bounds as (select min(batch_id) as first, max(batch_id) as last from batches)
       select s.source_key as "sourceKey", a.asset_id as asset
         from (select distinct r.series_key from aura.readings r, bounds
                where r.batch_id between bounds.first and bounds.last
                  and r.batch_id in (select batch_id from batches)) d
         join aura.reading_series s using (series_key) join aura.assets a using (asset_key)
        where ${shardSql("a.asset_id")} = any ($6)`,
      [after.tx, after.batch, until.tx, until.batch, sources, shards],
    );
  }

  scored(page: Parameters<OnlineStore["scored"]>[0]): ReturnType<OnlineStore["scored"]> {
    const { sourceKey, model, digest, shards, after, limit } = page;
    return this.#pool.query(
      `select a.asset_id as asset,
              sc.asset_id is null or sc.digest <> $3 or (n.epoch, n.ts, n.seq) > (sc.epoch, sc.ts, sc.seq) as "isBehind",
              (extract(epoch from b.committed_at) * 1000)::float8 as "storedAt"
         from aura.reading_series s
         join aura.assets a using (asset_key)
         join lateral (select r.epoch, r.ts, r.seq, r.batch_id from aura.readings r where r.series_key = s.series_key
                        order by r.epoch desc, r.ts desc, r.seq desc limit 1) n on true
         left join aura.reading_batches b using (batch_id)
         left join aura.asset_scores sc on sc.model = $2 and sc.asset_id = a.asset_id
        where s.source_key = $1 and a.asset_id > $5 and ${shardSql("a.asset_id")} = any ($4)
        order by a.asset_id limit $6`,
      [sourceKey, model, digest, shards, after, limit],
    );
  }

  async followed(scorerId: string, { tx, batch }: FollowPosition): Promise<void> {
    await this.#pool.query(
      `update aura.shard_leases set followed_tx = $2::xid8, followed_batch = $3
        where scorer_id = $1 and expires_at > clock_timestamp()`,
      [scorerId, tx, batch],
    );
  }

  replay(request: ReplayRequest, take: TakeReplayed): Promise<Replayed> {
    return this.#pool.transaction((tx) => replayReadings(tx, request, take));
  }

  async checkpoint({
    model,
    asset,
    sourceKey,
    digest,
  }: Parameters<OnlineStore["checkpoint"]>[0]): Promise<unknown> {
    const [row] = await this.#pool.query<{ checkpoint: unknown }>(
      `select checkpoint from aura.series_checkpoints
        where model = $1 and asset_id = $2 and source_key = $3 and digest = $4`,
      [model, asset, sourceKey, digest],
    );
    return row?.checkpoint;
  }

  async putCheckpoints(checkpoints: readonly StoredCheckpoint[]): Promise<void> {
    if (checkpoints.length === 0) return;
    await this.#pool.query(
      `insert into aura.series_checkpoints (model, asset_id, source_key, digest, checkpoint)
       select * from json_to_recordset($1::json)
         as u (model text, asset text, "sourceKey" int, digest text, checkpoint json)
       on conflict (model, asset_id) do update set source_key = excluded.source_key, digest = excluded.digest,
         checkpoint = excluded.checkpoint, made_at = clock_timestamp()`,
      [json(checkpoints)],
    );
  }

  async pipelineOf(model: string): Promise<{ readonly pipeline: string; readonly text: string } | undefined> {
    const [row] = await this.#pool.query<{ pipeline: string; text: string }>(
      `select pipeline, pipeline_text as text from aura.runs where model = $1 and status <> 'failed'
        order by started_at desc, run_id desc limit 1`,
      [model],
    );
    return row;
  }

  async registered(known: string | undefined): Promise<RegisteredAttributes | undefined> {
    const entered = "from aura.assets where attributes::text <> '{}'";
    const [row] = await this.#pool.query<{ fingerprint: string }>(
      `select count(*) || '.' || coalesce(sum(hashtextextended(asset_id || ' ' || attributes::text, 0)), 0) as fingerprint
         ${entered}`,
    );
    const fingerprint = row?.fingerprint ?? "";
    if (fingerprint === known) return undefined;
    const rows = await this.#pool.query<{ asset: string; attributes: Record<string, unknown> }>(
      `select asset_id as asset, attributes ${entered}`,
    );
    return { fingerprint, byAsset: new Map(rows.map(({ asset, attributes }) => [asset, attributes])) };
  }

  async latestDataset(pipeline: string): Promise<string | undefined> {
    const [row] = await this.#pool.query<{ id: string }>(
      `select dataset_id as id from aura.datasets where pipeline = $1
        order by created_at desc, dataset_id limit 1`,
      [pipeline],
    );
    return row?.id;
  }

  putScores(
    scores: readonly (AssetScore & { readonly shard: number; readonly fence: number })[],
  ): Promise<void> {
    return putScores(this.#pool, scores);
  }

  scores(filter: {
    readonly model?: string;
    readonly asset?: string;
    readonly limit: number;
  }): Promise<AssetScore[]> {
    return readScores(this.#pool, filter);
  }

  onReadings(listener: () => void): Promise<() => Promise<void>> {
    return this.#listener.subscribe(() => listener());
  }
}

async function settleShare(
  tx: Transaction,
  { scorerId, ttlMs, share }: { scorerId: string; ttlMs: number; share: number },
): Promise<ShardLease[]> {
  await tx.query(
    `update aura.shard_leases set expires_at = clock_timestamp() + $2 * interval '1 ms'
      where scorer_id = $1 and expires_at > clock_timestamp()`,
    [scorerId, ttlMs],
  );
  await tx.query(
    `update aura.shard_leases set expires_at = '-infinity'
      where shard in (select shard from aura.shard_leases where scorer_id = $1 and expires_at > clock_timestamp()
                       order by shard offset $2)`,
    [scorerId, share],
  );
  await tx.query(
    `update aura.shard_leases
        set scorer_id = $1, fence = fence + 1, expires_at = clock_timestamp() + $2 * interval '1 ms'
      where shard in (select shard from aura.shard_leases where expires_at <= clock_timestamp() order by shard
                       limit greatest(0, $3 - (select count(*) from aura.shard_leases
                                                where scorer_id = $1 and expires_at > clock_timestamp())))`,
    [scorerId, ttlMs, share],
  );
  const rows = await tx.query<{ shard: number; fence: number; tx: string | null; batch: number | null }>(
    `select shard, fence, followed_tx::text as tx, followed_batch as batch from aura.shard_leases
      where scorer_id = $1 and expires_at > clock_timestamp() order by shard`,
    [scorerId],
  );
  return rows.map(({ shard, fence, tx: followedTx, batch }) => ({
    shard,
    fence,
    ...(followedTx === null || batch === null ? {} : { followed: { tx: followedTx, batch } }),
  }));
}
