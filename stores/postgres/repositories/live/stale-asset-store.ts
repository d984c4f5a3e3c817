import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { StaleAsset, StaleAssetStore } from "../../port/feeds.ts";

/** Assets marked by a last will; the commit of a reading of the same series takes the mark away. */
export class PostgresStaleAssetStore implements StaleAssetStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async mark(source: string, asset: string, reason: string): Promise<boolean> {
    const rows = await this.#pool.query(
      `insert into aura.stale_assets (series_key, reason)
       select s.series_key, $3 from aura.reading_series s
         join aura.live_sources l using (source_key) join aura.assets a using (asset_key)
        where l.source = $1 and a.asset_id = $2
       on conflict (series_key) do update set reason = excluded.reason
       returning series_key`,
      [source, asset, storableText(reason)],
    );
    return rows.length > 0;
  }

  list({ source, limit }: { readonly source?: string; readonly limit: number }): Promise<StaleAsset[]> {
    return this.#pool.query(
      `select a.asset_id as asset, l.source, t.since, t.reason from aura.stale_assets t
         join aura.reading_series s using (series_key)
         join aura.live_sources l using (source_key) join aura.assets a using (asset_key)
        where $1::text is null or l.source = $1
        order by t.since, a.asset_id limit $2`,
      [source ?? null, limit],
    );
  }
}
