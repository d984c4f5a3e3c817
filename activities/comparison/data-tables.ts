import type { DatasetManifest, ParquetPart, StoredColumn } from "../../schemas/data/dataset.ts";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";

/** A column as two versions are compared by: what it is called, where it lies, and what it holds. */
export interface DataColumn {
  readonly name: string;
  readonly physical: string;
  readonly isText: boolean;
  /** Type, unit and use in words. */
  readonly form: string;
}

/** One table of a version of data. */
export interface DataTable {
  readonly name: string;
  readonly rows: number;
  readonly assets: number;
  readonly columns: readonly DataColumn[];
  readonly parts: readonly ParquetPart[];
}

/** A dataset's sources, in the order of their names. */
export function tablesOfDataset(manifest: DatasetManifest): DataTable[] {
  return Object.entries(manifest.sources)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { counts, nAssets, columns, parts }]) => ({
      name,
      rows: counts.accepted,
      assets: nAssets,
      columns: columns.map(columnOf),
      parts,
    }));
}

function columnOf({ name, physical, type, unit, use }: StoredColumn): DataColumn {
  const form = [type, ...(unit === undefined ? [] : [unit]), ...(use === "feature" ? [] : [use])].join(", ");
  return { name, physical, isText: type === "text", form };
}

/** A feature set is one table; its label is compared as a column beside the features. */
export function tablesOfFeatureSet(manifest: FeatureSetManifest): DataTable[] {
  const label: DataColumn = { name: "label", physical: "__y", isText: false, form: "label" };
  const features = manifest.features.map(({ name, physical, kind, unit }) => ({
    name,
    physical,
    isText: false,
    form: unit === undefined ? kind : `${kind}, ${unit}`,
  }));
  const { nRows: rows, nAssets: assets, parts } = manifest;
  return [{ name: "features", rows, assets, columns: [...features, label], parts }];
}

/** Whether two tables hold the same bytes: the parts are named by their hashes. */
export function haveEqualParts(a: DataTable, b: DataTable): boolean {
  const hashes = ({ parts }: DataTable) => parts.map(({ object }) => object.sha256).join();
  return hashes(a) === hashes(b);
}
