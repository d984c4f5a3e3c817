import type { FeatureView } from "../../features/feature-view.ts";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ColumnTable } from "../../stores/duckdb/duckdb.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import type { FeatureSetRow, LabelRow, LatestFeatures } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";

export interface StoredSet {
  readonly featureSet: ObjectRef;
  readonly manifest: FeatureSetManifest;
  readonly view: FeatureView;
}

const BATCH_ROWS = 5_000;

/** Records that a feature set exists, whoever it is for: what expires with its dataset is found by this row. */
export async function registerFeatureSet(deps: ActivityDeps, set: StoredSet): Promise<void> {
  await deps.db.features.putFeatureSet(rowOf(set), nothing());
}

/**
 * Copies what people and other systems query to PostgreSQL: the labels and the newest features of every asset. Above the
 * staging limit the labels stay in Parquet, as the readings do.
 *
 * Meant for the feature set that a model is trained on. The sets of single folds and of fleets to score would only write
 * the same labels again, and features that nobody asks for.
 */
export async function publishFeatures(deps: ActivityDeps, set: StoredSet): Promise<void> {
  const { manifest, view } = set;
  const paths = [];
  for (const part of manifest.parts) paths.push(await deps.objects.fetch(part.object));
  const from = await deps.duckdb.parquet(paths);
  // What is forecast are readings, which are there already.
  if (view.label.kind !== "forecast" && manifest.nLabelled > 0 && manifest.nLabelled <= deps.stagingMaxRows) {
    await deps.db.features.putLabels(
      { dataset: manifest.dataset, view: view.hash },
      labelRows(deps, from, labelKind(view)),
    );
  }
  await deps.db.features.putFeatureSet(
    rowOf(set),
    view.hasAsset ? latestFeatures(deps, from, manifest) : nothing(),
  );
}

function rowOf({ featureSet, manifest, view }: StoredSet): FeatureSetRow {
  const { dataset, fitted, nRows, nAssets } = manifest;
  return { object: featureSet, dataset, view: view.hash, fitted, rows: nRows, assets: nAssets };
}

function labelKind(view: FeatureView): LabelRow["kind"] {
  const { label } = view;
  if (label.kind === "column" || label.kind === "none" || label.kind === "forecast") return "class";
  return label.target.task === "rul" ? "rul" : "failure";
}

async function* labelRows(
  deps: ActivityDeps,
  from: string,
  kind: LabelRow["kind"],
): AsyncGenerator<LabelRow[]> {
  const sql = `SELECT __asset, __t, __y_raw FROM ${from} WHERE __y_raw IS NOT NULL`;
  for await (const batch of deps.duckdb.batches(sql, { batchRows: BATCH_ROWS })) {
    const { asset, t } = keysOf(batch);
    const value = batch.columns["__y_raw"] as Float64Array;
    yield Array.from({ length: batch.nRows }, (_, i) => ({
      asset: asset[i] as string,
      t: t[i] as bigint,
      kind,
      value: value[i] as number,
    }));
  }
}

async function* latestFeatures(
  deps: ActivityDeps,
  from: string,
  manifest: FeatureSetManifest,
): AsyncGenerator<LatestFeatures[]> {
  const names = manifest.features.map((feature) => feature.physical);
  const columns = names
    .map((name) => `${quoteIdentifier(name)}::DOUBLE AS ${quoteIdentifier(name)}`)
    .join(", ");
  const sql = `SELECT __asset, __t, ${columns} FROM ${from} WHERE __last`;
  for await (const batch of deps.duckdb.batches(sql, { batchRows: BATCH_ROWS })) {
    const { asset, t } = keysOf(batch);
    const values = names.map((name) => batch.columns[name] as Float64Array);
    yield Array.from({ length: batch.nRows }, (_, i) => ({
      asset: asset[i] as string,
      t: t[i] as bigint,
      values: values.map((column) => {
        const value = column[i] as number;
        return Number.isNaN(value) ? null : value;
      }),
    }));
  }
}

function keysOf(batch: ColumnTable): { asset: string[]; t: BigInt64Array } {
  return { asset: batch.columns["__asset"] as string[], t: batch.columns["__t"] as BigInt64Array };
}

async function* nothing(): AsyncGenerator<LatestFeatures[]> {}
