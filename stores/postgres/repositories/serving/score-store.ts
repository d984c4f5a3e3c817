import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import type { ScoreStore } from "../../port.ts";

interface Score {
  readonly asset: string;
  readonly rank: number;
  readonly value: number;
  readonly at: string;
}
interface ScoreJob {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly dataset: string;
}

/** Fleet scores: job and rows in one transaction, written once. */
export class PostgresScoreStore implements ScoreStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async put(job: ScoreJob & { object: ObjectRef }, rows: readonly Score[]): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      const inserted = await tx.query(
        `insert into aura.score_jobs (job_id, model, version, digest, dataset_id, object_key, object_sha256, object_bytes)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (job_id) do nothing returning job_id`,
        [
          job.id,
          job.model,
          job.version,
          job.digest,
          job.dataset,
          job.object.key,
          job.object.sha256,
          job.object.bytes,
        ],
      );
      if (inserted.length === 0) return;
      await tx.query(
        `insert into aura.scores (job_id, rank, asset_id, value, at)
         select $1, * from unnest($2::int[], $3::text[], $4::float8[], $5::text[])`,
        [
          job.id,
          rows.map((r) => r.rank),
          rows.map((r) => r.asset),
          rows.map((r) => r.value),
          rows.map((r) => r.at),
        ],
      );
    });
  }

  async get(id: string, sites?: readonly string[]): Promise<(ScoreJob & { rows: Score[] }) | undefined> {
    const [job] = await this.#pool.query<ScoreJob>(
      "select job_id as id, model, version, digest, dataset_id as dataset from aura.score_jobs where job_id = $1",
      [id],
    );
    if (job === undefined) return undefined;
    const rows = await this.#pool.query<Score>(
      `select asset_id as asset, row_number() over (order by rank) as rank, value, at from aura.scores
        where job_id = $1
          and ($2::text[] is null or asset_id in (select a.asset_id from aura.assets a where a.site_id = any ($2)))
        order by rank`,
      [id, sites ?? null],
    );
    if (sites !== undefined && rows.length === 0) return undefined;
    return { ...job, rows };
  }
}
