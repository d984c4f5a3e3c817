import type { ConnectionPool, SqlValue } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { FeatureSetEntry, FeatureSetRow, FeatureStore, LabelRow, LatestFeatures } from "../../port.ts";

type StoredEntry = Omit<FeatureSetEntry, "object"> & FeatureSetEntry["object"];

/** Labels, feature sets and the newest features of each asset. */
export class PostgresFeatureStore implements FeatureStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async featureSet(id: string): Promise<FeatureSetEntry | undefined> {
    const [set] = await this.#entries("where f.feature_set_id = $1", [id]);
    return set;
  }

  featureSets({ dataset, limit }: { dataset?: string; limit: number }): Promise<FeatureSetEntry[]> {
    const order = "order by f.created_at desc, f.feature_set_id limit $1";
    return dataset === undefined
      ? this.#entries(order, [limit])
      : this.#entries(`where f.dataset_id = $2 ${order}`, [limit, dataset]);
  }

  /** @param rest  constant SQL over `f` */
  async #entries(rest: string, values: readonly SqlValue[]): Promise<FeatureSetEntry[]> {
    const rows = await this.#pool.query<StoredEntry>(
      `select f.feature_set_id as id, f.dataset_id as dataset, f.view_hash as view, f.fitted_hash as fitted,
              f.n_rows as rows, f.n_assets as assets, f.manifest_key as key, f.manifest_sha256 as sha256,
              f.manifest_bytes as bytes, f.created_at as "createdAt", d.pipeline
         from aura.feature_sets f join aura.datasets d using (dataset_id) ${rest}`,
      values,
    );
    return rows.map(({ key, sha256, bytes, ...set }) => ({ ...set, object: { key, sha256, bytes } }));
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
