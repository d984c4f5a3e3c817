import type { NamedColumn } from "../../numerics/leakage/target-copy.ts";
import { seededOrder } from "../../numerics/splits/groups.ts";
import type { DatasetManifest, DatasetSource } from "../../schemas/data/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { quoteIdentifier, quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { rowsWhere } from "../split/row-folds.ts";
import type { FeatureTable } from "./feature-table.ts";

/** Above this many cells only a sample of the assets is looked at for leaks in time; the features are checked in full. */
const MAX_CELLS = 50_000_000;

/** Which assets are sampled must not change from run to run. */
const SAMPLE_SEED = 7;

/** Sensors as read, for all assets or for whole assets of a sample. */
export interface SensorSample {
  /** Equally long, in the order of `rows`. */
  readonly sensors: NamedColumn[];
  /** Rows of the feature set that `sensors` stand beside. */
  readonly rows: Int32Array;
  /** Assets in the sample, of how many. */
  readonly nAssets: number;
  readonly ofAssets: number;
  /** Rows stand in time order within assets: without time there is no future to look for. */
  readonly isSeries: boolean;
}

/** The one readings source of a dataset. */
export function readingsOf(dataset: DatasetManifest): DatasetSource {
  const found = Object.values(dataset.sources).find((source) => source.role === "readings");
  if (found === undefined) throw new PlatformError("integrity", "read dataset: it has no readings source");
  return found;
}

export async function localParts(
  deps: Pick<ActivityDeps, "objects">,
  source: DatasetSource,
): Promise<string[]> {
  const paths = [];
  for (const part of source.parts) paths.push(await deps.objects.fetch(part.object));
  return paths;
}

/** Numeric columns of the readings as read, beside the rows of a feature set of the dataset. */
export async function readSensors(
  deps: Pick<ActivityDeps, "objects" | "duckdb">,
  dataset: DatasetManifest,
  table: Pick<FeatureTable, "assets" | "assetCodes" | "ofAssets" | "areAssetsWhole">,
): Promise<SensorSample> {
  const source = readingsOf(dataset);
  const isSeries = source.hasAsset && source.timeKind !== "none";
  const numeric = source.columns.filter(
    (c) => c.use === "feature" && c.type !== "text" && c.type !== "timestamp",
  );
  const { ofAssets } = table;
  const isKept = sampleAssets(table, numeric.length === 0 ? 0 : Math.floor(MAX_CELLS / numeric.length));
  const names = table.assets.filter((_, code) => isKept[code] === 1);
  if (!isSeries || names.length === 0 || !table.areAssetsWhole)
    return { sensors: [], rows: new Int32Array(), nAssets: 0, ofAssets, isSeries };
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const columns = numeric.map(
    ({ physical }) => `${quoteIdentifier(physical)}::DOUBLE AS ${quoteIdentifier(physical)}`,
  );
  const where = names.length === ofAssets ? "" : ` WHERE __asset IN (${names.map(quoteLiteral).join(", ")})`;
  const read = await deps.duckdb.columns(
    `SELECT ${columns.join(", ")} FROM ${from}${where} ORDER BY __asset, __t, __seq`,
  );
  const sensors = numeric.map(({ name, physical }) => ({
    name,
    values: read.columns[physical] as Float64Array,
  }));
  const rows = rowsWhere(table.assetCodes.length, (row) => isKept[table.assetCodes[row] as number] === 1);
  return { sensors, rows, nAssets: names.length, ofAssets, isSeries };
}

/**
 * Whole assets whose rows fit a budget together, in an order that depends on their ids alone.
 *
 * @returns Uint8Array (assets): 1 for those taken
 */
export function sampleAssets(
  table: { readonly assets: readonly string[]; readonly assetCodes: Int32Array },
  maxRows: number,
): Uint8Array {
  const sizes = new Int32Array(table.assets.length);
  for (const code of table.assetCodes) sizes[code] = (sizes[code] as number) + 1;
  return takeAssets(table.assets, sizes, maxRows);
}

/** The same from the number of rows of each asset. */
export function takeAssets(assets: readonly string[], sizes: ArrayLike<number>, maxRows: number): Uint8Array {
  const taken = new Uint8Array(sizes.length);
  let left = maxRows;
  for (const code of seededOrder([...assets], SAMPLE_SEED)) {
    const size = sizes[code] as number;
    if (size > left) continue;
    taken[code] = 1;
    left -= size;
  }
  return taken;
}
