import { targetColumns } from "../../features/labels/forecast.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import type { ColumnTable, DuckDb } from "../../stores/duckdb/duckdb.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import { readFeatureSet } from "../../stores/objects/documents.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { FeatureTable, ForecastColumns } from "./feature-table.ts";
import { chooseRows } from "./row-choice.ts";
import type { ChosenRows, RowChoice } from "./row-choice.ts";

/** Tables kept in memory: the folds of one run read the same one many times. */
const KEEP_BYTES = 512 * 1024 * 1024;

/** Loads feature sets into shared memory and keeps the latest ones. */
export class FeatureTableCache {
  readonly #objects: ObjectStore;
  readonly #duckdb: DuckDb;
  readonly #tables = new Map<string, Promise<FeatureTable>>();
  readonly #bytes = new Map<string, number>();

  constructor(objects: ObjectStore, duckdb: DuckDb) {
    this.#objects = objects;
    this.#duckdb = duckdb;
  }

  /** @throws {PlatformError} integrity, objects_unavailable; invalid_pipeline: too large for memory */
  async load(ref: ObjectRef, choice: RowChoice): Promise<FeatureTable> {
    const key = `${ref.sha256} ${choice.kind} ${choice.kind === "last" ? "" : choice.maxRows}`;
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const loading = this.#read(ref, choice);
    this.#tables.set(key, loading);
    try {
      const table = await loading;
      this.#bytes.set(key, table.matrix.data.byteLength);
      this.#evict(key);
      return table;
    } catch (error) {
      this.#tables.delete(key);
      throw error;
    }
  }

  /** Oldest first, never the one just loaded. */
  #evict(newest: string): void {
    let total = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const [key, bytes] of this.#bytes) {
      if (total <= KEEP_BYTES || key === newest) return;
      this.#tables.delete(key);
      this.#bytes.delete(key);
      total -= bytes;
    }
  }

  async #read(ref: ObjectRef, choice: RowChoice): Promise<FeatureTable> {
    const manifest = await readFeatureSet(this.#objects, ref);
    const paths = [];
    for (const part of manifest.parts) paths.push(await this.#objects.fetch(part.object));
    const from = await this.#duckdb.parquet(paths);
    const chosen = await chooseRows(this.#duckdb, from, { manifest, choice });
    const names = manifest.features.map((feature) => feature.physical);
    const selected = names.map((name) => `${quoteIdentifier(name)}::DOUBLE AS ${quoteIdentifier(name)}`);
    const { targets, naive } = targetColumns(manifest.nHorizons ?? 0);
    const columns = [...targets, ...naive, ...selected];
    const sql =
      "SELECT __asset, __t::DOUBLE AS __t, __seq::DOUBLE AS __seq, __y::DOUBLE AS __y, __y_raw::DOUBLE AS __y_raw, __last," +
      ` ${manifest.nCensored === undefined ? "NULL" : "__y_least"}::DOUBLE AS __y_least,` +
      ` ${manifest.hasWeight === true ? "__weight" : "NULL"}::DOUBLE AS __weight` +
      `${columns.map((s) => `, ${s}`).join("")} FROM ${from}${chosen.where}`;
    const builder = new TableBuilder(manifest, chosen);
    for await (const batch of this.#duckdb.batches(`${sql} ORDER BY __asset, __t, __seq`)) builder.add(batch);
    return builder.finish();
  }
}

class TableBuilder {
  readonly #manifest: FeatureSetManifest;
  readonly #chosen: ChosenRows;
  readonly #nColumns: number;
  readonly #data: Float64Array;
  readonly #keys: Readonly<
    Record<"__y" | "__y_raw" | "__y_least" | "__weight" | "__t" | "__seq" | "__last", Float64Array>
  >;
  readonly #codes: Int32Array;
  readonly #targets: ForecastColumns | undefined;
  readonly #assets: string[] = [];
  #nRows = 0;

  constructor(manifest: FeatureSetManifest, chosen: ChosenRows) {
    const { nRows } = chosen;
    this.#manifest = manifest;
    this.#chosen = chosen;
    this.#nColumns = manifest.features.length;
    this.#data = sharedDoubles(nRows * this.#nColumns);
    this.#keys = {
      __y: sharedDoubles(nRows),
      __y_raw: sharedDoubles(nRows),
      __y_least: sharedDoubles(nRows),
      __weight: sharedDoubles(nRows),
      __t: sharedDoubles(nRows),
      __seq: sharedDoubles(nRows),
      __last: sharedDoubles(nRows),
    };
    this.#codes = new Int32Array(new SharedArrayBuffer(4 * nRows));
    const { nHorizons } = manifest;
    this.#targets =
      nHorizons === undefined
        ? undefined
        : { nHorizons, values: sharedDoubles(nRows * nHorizons), naive: sharedDoubles(nRows * nHorizons) };
  }

  add(batch: ColumnTable): void {
    const at = this.#nRows;
    for (const [name, out] of Object.entries(this.#keys)) out.set(batch.columns[name] as Float64Array, at);
    const assets = batch.columns["__asset"] as string[];
    for (let row = 0; row < batch.nRows; row++) {
      const asset = assets[row] as string;
      if (this.#assets.at(-1) !== asset) this.#assets.push(asset);
      this.#codes[at + row] = this.#assets.length - 1;
    }
    const names = this.#manifest.features.map(({ physical }) => physical);
    interleave(batch, names, { out: this.#data, at });
    if (this.#targets !== undefined) {
      const { nHorizons, values, naive } = this.#targets;
      const columns = targetColumns(nHorizons);
      interleave(batch, columns.targets, { out: values, at });
      interleave(batch, columns.naive, { out: naive, at });
    }
    this.#nRows += batch.nRows;
  }

  finish(): FeatureTable {
    const { features, classLabels, nRows: ofRows, nAssets: ofAssets } = this.#manifest;
    const { nRows, areAssetsWhole } = this.#chosen;
    return {
      matrix: { data: this.#data, nRows, nColumns: this.#nColumns },
      features,
      classLabels: classLabels ?? null,
      ...(this.#targets === undefined ? {} : { targets: this.#targets }),
      y: this.#keys.__y,
      yRaw: this.#keys.__y_raw,
      yLeast: this.#keys.__y_least,
      ...(this.#manifest.hasWeight === true ? { weight: this.#keys.__weight } : {}),
      t: this.#keys.__t,
      seq: this.#keys.__seq,
      last: Uint8Array.from(this.#keys.__last),
      assetCodes: this.#codes,
      assets: this.#assets,
      ofRows,
      ofAssets,
      areAssetsWhole,
    };
  }
}

/** Columns of a batch, row by row; NULL is NaN. */
function interleave(
  batch: ColumnTable,
  names: readonly string[],
  { out, at }: { readonly out: Float64Array; readonly at: number },
): void {
  names.forEach((name, column) => {
    const values = batch.columns[name] as Float64Array;
    for (let row = 0; row < batch.nRows; row++) {
      out[(at + row) * names.length + column] = values[row] as number;
    }
  });
}

function sharedDoubles(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * length));
}
