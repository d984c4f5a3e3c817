import type { ConnectionPool } from "../../connection/connection-pool.ts";
import type { AssetRow, AssetStore } from "../../port.ts";

/** Assets as the last dataset that named them left them. */
export class PostgresAssetStore implements AssetStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  list(filter: {
    sites?: readonly string[];
    asset?: string;
    limit: number;
    after?: string;
  }): Promise<AssetRow[]> {
    return this.#pool.query(
      `select a.asset_id as asset, a.site_id as site, s.customer_id as customer, a.asset_class as "assetClass", a.attributes,
              a.first_seen as "firstSeen"
         from aura.assets a left join aura.sites s using (site_id)
        where ($1::text[] is null or a.site_id = any ($1)) and ($2::text is null or a.asset_id = $2)
          and ($3::text is null or a.asset_id > $3)
        order by a.asset_id limit $4`,
      [filter.sites ?? null, filter.asset ?? null, filter.after ?? null, filter.limit],
    );
  }
}
