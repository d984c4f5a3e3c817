import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { FleetScoreReply, RankedAsset, ScoreSummary } from "../../../../schemas/serving/score.ts";
import type { ScoreStore } from "../../port.ts";

type StoredRow = Omit<RankedAsset, "forecast"> & {
  readonly forecast: NonNullable<RankedAsset["forecast"]> | null;
};

/** Fleet scores: job and rows in one transaction, written once. */
export class PostgresScoreStore implements ScoreStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async put(
    job: Omit<FleetScoreReply, "rows"> & { readonly object: ObjectRef },
    rows: readonly RankedAsset[],
  ): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      // A job without a summary is one of an earlier release, which is replaced.
      const written = await tx.query(
        `insert into aura.score_jobs as j (job_id, model, version, digest, dataset_id, object_key, object_sha256,
                                           object_bytes, summary)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (job_id) do update set dataset_id = excluded.dataset_id, object_key = excluded.object_key,
           object_sha256 = excluded.object_sha256, object_bytes = excluded.object_bytes, summary = excluded.summary
         where j.summary is null
         returning job_id`,
        [
          job.id,
          job.model,
          job.version,
          job.digest,
          job.dataset,
          job.object.key,
          job.object.sha256,
          job.object.bytes,
          json(job.summary),
        ],
      );
      if (written.length === 0) return;
      await tx.query("delete from aura.scores where job_id = $1", [job.id]);
      await tx.query(
        `insert into aura.scores (job_id, rank, asset_id, value, at, n_readings, is_short,
                                 n_missing, risk, forecast)
         select $1, r.rank, r.asset, r.value, r.at, r.n, r.short, r.missing, r.risk, r.forecast::jsonb
           from unnest($2::int[], $3::text[], $4::float8[], $5::text[], $6::int[], $7::bool[], $8::int[], $9::float8[],
                       $10::text[]) as r(rank, asset, value, at, n, short, missing, risk, forecast)`,
        [
          job.id,
          rows.map((r) => r.rank),
          rows.map((r) => r.asset),
          rows.map((r) => r.value),
          rows.map((r) => r.at),
          rows.map((r) => r.readings),
          rows.map((r) => r.short),
          rows.map((r) => r.missing),
          rows.map((r) => r.risk),
          rows.map((r) => (r.forecast === undefined ? null : JSON.stringify(r.forecast))),
        ],
      );
    });
  }

  async get(id: string, sites?: readonly string[]): Promise<FleetScoreReply | undefined> {
    const [job] = await this.#pool.query<Omit<FleetScoreReply, "rows">>(
      `select job_id as id, model, version, digest, dataset_id as dataset, summary
         from aura.score_jobs where job_id = $1 and summary is not null`,
      [id],
    );
    if (job === undefined) return undefined;
    const stored = await this.#pool.query<StoredRow>(
      `select asset_id as asset, row_number() over (order by rank) as rank, value, risk, at, n_readings as readings,
              is_short as short, n_missing as missing, forecast
         from aura.scores where job_id = $1
          and ($2::text[] is null or asset_id in (select a.asset_id from aura.assets a where a.site_id = any ($2)))
        order by rank`,
      [id, sites ?? null],
    );
    const rows = stored.map(({ forecast, ...row }) => (forecast === null ? row : { ...row, forecast }));
    if (sites === undefined) return { ...job, rows };
    if (rows.length === 0) return undefined;
    return { ...job, summary: await this.#ofSites(job.summary, rows, sites), rows };
  }

  async writtenAt(id: string): Promise<string | undefined> {
    const [job] = await this.#pool.query<{ at: string }>(
      "select created_at as at from aura.score_jobs where job_id = $1 and summary is not null",
      [id],
    );
    return job?.at;
  }

  /** Nothing of other sites: neither their assets nor counts in which they are. */
  async #ofSites(
    summary: ScoreSummary,
    rows: readonly RankedAsset[],
    sites: readonly string[],
  ): Promise<ScoreSummary> {
    const known = await this.#pool.query<{ asset: string }>(
      "select asset_id as asset from aura.assets where site_id = any ($1::text[]) and asset_id = any ($2::text[])",
      [sites, summary.leftOut.map(({ asset }) => asset)],
    );
    const own = new Set(known.map(({ asset }) => asset));
    const leftOut = summary.leftOut.filter(({ asset }) => own.has(asset));
    return {
      ...summary,
      data: null,
      assets: {
        seen: rows.length + leftOut.length,
        scored: rows.length,
        leftOut: leftOut.length,
        incomplete: rows.filter(({ missing }) => missing > 0).length,
        short: rows.filter(({ short }) => short).length,
      },
      leftOut,
    };
  }
}
