import type { Sql } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { AssetScore } from "../../port/online.ts";

const COLUMNS = `model, asset_id, version, digest, prediction_id, prediction, headline, source, epoch, ts, seq,
  reading_values, received_at, scored_at, unfit`;

/** Scores of shards that have changed hands are left out, and those of readings older than what is there. */
export async function putScores(
  sql: Sql,
  scores: readonly (AssetScore & { readonly shard: number; readonly fence: number })[],
): Promise<void> {
  if (scores.length === 0) return;
  const rows = scores.map(({ values, ...score }) => ({
    ...score,
    prediction_id: score.prediction.predictionId,
    // NaN is no JSON; missing is null on the way and in the table.
    reading_values: values.map((value) => (Number.isNaN(value) ? null : value)),
  }));
  await sql.query(
    `with given as (
       select * from json_to_recordset($1::json) as u (model text, asset text, version int, digest text, prediction_id text,
         prediction json, headline float8, source text, epoch int, ts bigint, seq int, reading_values float8[],
         "receivedAt" timestamptz, "scoredAt" timestamptz, unfit text[], shard smallint, fence bigint)),
     held as (select shard, fence from aura.shard_leases where shard in (select shard from given) order by shard for share)
     insert into aura.asset_scores as s (${COLUMNS})
     select model, asset, version, digest, prediction_id, prediction, headline, source, epoch, ts, seq, reading_values,
            "receivedAt", "scoredAt", unfit
       from given join held using (shard, fence) order by model, asset
     on conflict (model, asset_id) do update
        set version = excluded.version, digest = excluded.digest, prediction_id = excluded.prediction_id,
            prediction = excluded.prediction, headline = excluded.headline, source = excluded.source,
            epoch = excluded.epoch, ts = excluded.ts, seq = excluded.seq, reading_values = excluded.reading_values,
            received_at = excluded.received_at, scored_at = excluded.scored_at, unfit = excluded.unfit,
            written = pg_current_xact_id()
      where s.source <> excluded.source
         or (excluded.epoch, excluded.ts, excluded.seq) >= (s.epoch, s.ts, s.seq)`,
    [json(rows)],
  );
}

export async function readScores(
  sql: Sql,
  { model, asset, limit }: { readonly model?: string; readonly asset?: string; readonly limit: number },
): Promise<AssetScore[]> {
  const rows = await sql.query<Omit<AssetScore, "values"> & { values: (number | null)[] }>(
    `select model, asset_id as asset, version, digest, prediction, headline, source, epoch, ts, seq,
            reading_values as "values", received_at as "receivedAt", scored_at as "scoredAt", unfit
       from aura.asset_scores
      where ($1::text is null or model = $1) and ($2::text is null or asset_id = $2)
      order by model, asset_id limit $3`,
    [model ?? null, asset ?? null, limit],
  );
  return rows.map((row) => ({ ...row, values: row.values.map((value) => value ?? NaN) }));
}
