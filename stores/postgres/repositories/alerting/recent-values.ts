import { firstDayOf, monthOf } from "../../../../schemas/live/reading-month.ts";
import type { Sql } from "../../connection/connection-pool.ts";
import type { AlertEvaluationStore, RecentValues } from "../../port/alerting.ts";

type RecentRequest = Parameters<AlertEvaluationStore["recentValues"]>[0];

/** Before any time, and any month. */
const EVER = { micros: Number.MIN_SAFE_INTEGER, month: "0001-01-01" } as const;

/** Newest values of columns by asset. Bounded by the key: the newest life of a series, and in it the newest readings. */
export async function recentValues(
  sql: Sql,
  { source, assets, columns, sinceMs, limit }: RecentRequest,
): Promise<readonly RecentValues[]> {
  const since =
    sinceMs === undefined
      ? EVER
      : { micros: Math.trunc(sinceMs * 1_000), month: firstDayOf(monthOf(sinceMs)) };
  const rows = await sql.query<{ asset: string; place: number; at: number; values: number[] }>(
    `select a.asset_id as asset, c.place::int as place, (max(r.ts) / 1000.0)::float8 as at,
            array_agg(r.row_values[c.place] order by r.ts, r.seq) as "values"
       from aura.live_sources l join aura.reading_series s using (source_key) join aura.assets a using (asset_key)
       cross join lateral (select max(e.epoch) as epoch from aura.readings e
                            where e.series_key = s.series_key and e.month >= $5::date) newest
       cross join lateral (
         select q.ts, q.seq, q.row_values from aura.readings q
          where q.series_key = s.series_key and q.epoch = newest.epoch and q.ts >= $3 and q.month >= $5::date
          order by q.ts desc, q.seq desc limit $4) r
       cross join unnest($2::int[]) as c (place)
      where l.source = $1 and a.asset_id = any ($6) and r.row_values[c.place] is not null
      group by a.asset_id, c.place`,
    [source, columns.map(({ place }) => place + 1), since.micros, limit, since.month, assets],
  );
  const nameOf = new Map(columns.map(({ name, place }) => [place + 1, name]));
  return rows.map(({ asset, place, at, values }) => ({
    asset,
    series: nameOf.get(place) ?? "",
    at,
    values,
  }));
}

/** What the processes measured of themselves; those of several processes in the order of time. */
export async function recentSamples(
  sql: Sql,
  metrics: readonly string[],
  sinceMs: number,
): Promise<readonly RecentValues[]> {
  return sql.query(
    `select 'platform' as asset, metric as series, (extract(epoch from max(at)) * 1000)::float8 as at,
            array_agg(value order by at, process) as "values"
       from aura.platform_samples where metric = any ($1) and at >= to_timestamp($2 / 1000.0) group by metric`,
    [metrics, sinceMs],
  );
}
