import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { FeatureSetRow, FeatureStore, LabelRow, LatestFeatures } from "../../port.ts";

/** Labels, feature sets and the newest features of each asset. */
export class PostgresFeatureStore implements FeatureStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** Idempotent: a label of (dataset, view, asset, time, kind) is written once. */
  async putLabels(
    of: { readonly dataset: string; readonly view: string },
    rows: AsyncIterable<LabelRow[]>,
  ): Promise<number> {
    let written = 0;
    for await (const batch of rows) {
      await this.#pool.query(
        `insert into aura.labels (dataset_id, view_hash, asset_id, t, kind, value)
         select $1, $2, asset, t, kind, value
           from json_to_recordset($3) as r(asset text, t bigint, kind text, value double precision)
         on conflict (dataset_id, view_hash, asset_id, t, kind) do nothing`,
        [of.dataset, of.view, json(batch.map((row) => ({ ...row, t: String(row.t) })))],
      );
      written += batch.length;
    }
    return written;
  }

  /** Idempotent on the id of the set; an older reading never replaces a newer one. */
  async putFeatureSet(set: FeatureSetRow, latest: AsyncIterable<LatestFeatures[]>): Promise<void> {
    await this.#pool.query(
      `insert into aura.feature_sets (feature_set_id, dataset_id, view_hash, fitted_hash, n_rows, n_assets,
                                      manifest_key, manifest_sha256, manifest_bytes)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (feature_set_id) do nothing`,
      [
        set.object.sha256,
        set.dataset,
        set.view,
        set.fitted,
        set.rows,
        set.assets,
        set.object.key,
        set.object.sha256,
        set.object.bytes,
      ],
    );
    for await (const batch of latest) {
      await this.#pool.query(
        `insert into aura.feature_store (view_hash, fitted_hash, asset_id, t, feature_values)
         select $1, $2, asset, t, feature_values
           from json_to_recordset($3) as r(asset text, t bigint, feature_values double precision[])
         on conflict (view_hash, fitted_hash, asset_id) do update
           set t = excluded.t, feature_values = excluded.feature_values, updated_at = clock_timestamp()
         where feature_store.t < excluded.t`,
        [
          set.view,
          set.fitted,
          json(batch.map(({ asset, t, values }) => ({ asset, t: String(t), feature_values: values }))),
        ],
      );
    }
  }
}
