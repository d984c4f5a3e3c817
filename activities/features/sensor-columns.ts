import type { NamedColumn } from "../../numerics/leakage/target-copy.ts";
import type { DatasetManifest, DatasetSource } from "../../schemas/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import type { ActivityDeps } from "../dependencies.ts";

/** Above this many cells the sensors are not loaded for leakage checks; the features are checked all the same. */
const MAX_CELLS = 50_000_000;

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

/** Numeric columns of the readings as read, in the row order of every feature set of the dataset. */
export async function readSensors(
  deps: Pick<ActivityDeps, "objects" | "duckdb">,
  dataset: DatasetManifest,
): Promise<{ readonly sensors: NamedColumn[]; readonly isSeries: boolean }> {
  const source = readingsOf(dataset);
  const isSeries = source.hasAsset && source.timeKind !== "none";
  const numeric = source.columns.filter(
    (c) => c.use === "feature" && c.type !== "text" && c.type !== "timestamp",
  );
  if (!isSeries || numeric.length === 0 || numeric.length * source.counts.accepted > MAX_CELLS) {
    return { sensors: [], isSeries };
  }
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const columns = numeric.map(
    ({ physical }) => `${quoteIdentifier(physical)}::DOUBLE AS ${quoteIdentifier(physical)}`,
  );
  const table = await deps.duckdb.columns(
    `SELECT ${columns.join(", ")} FROM ${from} ORDER BY __asset, __t, __seq`,
  );
  const sensors = numeric.map(({ name, physical }) => ({
    name,
    values: table.columns[physical] as Float64Array,
  }));
  return { sensors, isSeries };
}
