import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { PredictionRole } from "../../../../schemas/serving/prediction.ts";
import type { AliasListener } from "../../connection/alias-listener.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import type { PredictionIndexRow, PredictionStore, PredictionWindow, VersionPrediction } from "../../port.ts";
import type { SampledBy } from "../../port/predictions.ts";
import { PREDICTIONS_IN_WINDOW, windowValues } from "./prediction-window.ts";

/** Names of segments that somebody waits for. */
export const SEGMENTS_CHANNEL = "aura_segments";
/** Rows sent with one `unnest` statement. */
const BATCH_ROWS = 5_000;
/** A power of two: hashes of ids fall on so many places, of which a sample takes the first ones. */
const SAMPLE_PLACES = 2 ** 20;

/** What a sample is drawn by. */
const SAMPLED_BY: Readonly<Record<SampledBy, string>> = {
  prediction: "p.prediction_id",
  row: "concat_ws(' ', p.request_id, p.asset_id, p.t)",
};

const INDEX_COLUMNS = `p.prediction_id as "predictionId", p.model, p.version, p.digest, p.asset_id as asset, p.at,
  p.actor, p.t, p.role, p.segment, p.segment_offset as "offset", p.value, p.request_id as "requestId"`;

/** Where each prediction's trace lies: segment and offset in the spool, and its object once it is shipped. */
export class PostgresPredictionStore implements PredictionStore {
  readonly #pool: ConnectionPool;
  readonly #listener: AliasListener;

  constructor(pool: ConnectionPool, listener: AliasListener) {
    this.#pool = pool;
    this.#listener = listener;
  }

  async index(rows: readonly PredictionIndexRow[]): Promise<void> {
    for (let start = 0; start < rows.length; start += BATCH_ROWS) {
      const batch = rows.slice(start, start + BATCH_ROWS);
      await this.#pool.query(
        `insert into aura.prediction_index (prediction_id, model, version, digest, asset_id, at, actor, segment,
                                            segment_offset, value, request_id, t, role)
         select * from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::timestamptz[],
                              $7::text[], $8::text[], $9::bigint[], $10::float8[], $11::text[],
                              $12::float8[], $13::text[])
         on conflict (prediction_id) do nothing`,
        [
          batch.map((r) => r.predictionId),
          batch.map((r) => r.model),
          batch.map((r) => r.version),
          batch.map((r) => r.digest),
          batch.map((r) => r.asset),
          batch.map((r) => r.at),
          batch.map((r) => r.actor),
          batch.map((r) => r.segment),
          batch.map((r) => r.offset),
          batch.map((r) => r.value),
          batch.map((r) => r.requestId),
          batch.map((r) => r.t),
          batch.map((r) => r.role),
        ],
      );
    }
  }

  async shipped(segment: string, object: ObjectRef): Promise<void> {
    await this.#pool.query(
      `insert into aura.prediction_segments (segment, object_key, object_sha256, object_bytes)
       values ($1, $2, $3, $4) on conflict (segment) do nothing`,
      [segment, object.key, object.sha256, object.bytes],
    );
    const [row] = await this.#pool.query<{ object_sha256: string }>(
      "select object_sha256 from aura.prediction_segments where segment = $1",
      [segment],
    );
    if (row?.object_sha256 === object.sha256) return;
    throw new PlatformError(
      "conflict",
      `ship segment [${segment}]: recorded with SHA-256 ${row?.object_sha256}, got ${object.sha256}`,
    );
  }

  async want(segment: string): Promise<void> {
    await this.#pool.query("select pg_notify($1, $2)", [SEGMENTS_CHANNEL, segment]);
  }

  onWanted(listener: (segment: string) => void): Promise<() => Promise<void>> {
    return this.#listener.subscribe(listener);
  }

  async get(predictionId: string): Promise<(PredictionIndexRow & { object: ObjectRef | null }) | undefined> {
    const [row] = await this.#pool.query<PredictionIndexRow & { object: ObjectRef | null }>(
      `select ${INDEX_COLUMNS},
              case when s.segment is null then null
                   else json_build_object('key', s.object_key, 'sha256', s.object_sha256, 'bytes', s.object_bytes)
              end as object
         from aura.prediction_index p left join aura.prediction_segments s using (segment)
        where p.prediction_id = $1`,
      [predictionId],
    );
    return row;
  }

  list(filter: {
    model?: string;
    asset?: string;
    since?: string;
    sites?: readonly string[];
    role?: PredictionRole;
    limit: number;
    after?: string;
  }): Promise<PredictionIndexRow[]> {
    return this.#pool.query(
      `select ${INDEX_COLUMNS} from aura.prediction_index p
        where ($1::text is null or p.model = $1) and ($2::text is null or p.asset_id = $2)
          and ($3::timestamptz is null or p.at >= $3)
          and ($4::text is null or (p.at, p.prediction_id) <
               (select a.at, a.prediction_id from aura.prediction_index a where a.prediction_id = $4))
          and ($6::text[] is null
               or p.asset_id in (select a.asset_id::text from aura.assets a where a.site_id = any ($6)))
          and p.role = $7
        order by p.at desc, p.prediction_id desc limit $5`,
      [
        filter.model ?? null,
        filter.asset ?? null,
        filter.since ?? null,
        filter.after ?? null,
        filter.limit,
        filter.sites ?? null,
        filter.role ?? "answer",
      ],
    );
  }

  async ofVersion(
    window: PredictionWindow,
    limit: number,
    by: SampledBy = "prediction",
  ): Promise<{ total: number; rows: VersionPrediction[] }> {
    const values = windowValues(window);
    const [counted] = await this.#pool.query<{ n: number }>(
      `select count(*) as n from ${PREDICTIONS_IN_WINDOW}`,
      values,
    );
    const total = counted?.n ?? 0;
    if (total === 0) return { total, rows: [] };
    const share = Math.ceil(Math.min(1, limit / total) * SAMPLE_PLACES);
    const rows = await this.#pool.query<VersionPrediction>(
      `select p.prediction_id as "predictionId", p.request_id as "requestId", p.asset_id as asset, p.t, p.value, p.segment
         from ${PREDICTIONS_IN_WINDOW} and (hashtextextended(${SAMPLED_BY[by]}, 0) & ${SAMPLE_PLACES - 1}) < $7
        order by p.at, p.segment, p.segment_offset`,
      [...values, share],
    );
    return { total, rows };
  }

  objectsOf(segments: readonly string[]): Promise<{ segment: string; object: ObjectRef }[]> {
    return this.#pool.query(
      `select s.segment, json_build_object('key', s.object_key, 'sha256', s.object_sha256, 'bytes', s.object_bytes) as object
         from aura.prediction_segments s where s.segment = any ($1) order by s.segment`,
      [segments],
    );
  }
}
