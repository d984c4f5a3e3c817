/**
 * Which rows of a feature set are brought into memory.
 *
 * Trainers hold their rows in memory, so a large fleet is learnt from a sample. A row is in the sample by a hash of its own
 * number (`__seq`), so that the same dataset gives the same sample to every candidate, to the champion it is compared
 * with and on every machine, and neither a period of the data nor the order of its assets shows in it.
 */
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import { takeAssets } from "./sensor-columns.ts";

/**
 * - `spread`: about `maxRows` rows, evenly over all assets and times, and the last reading of each asset
 * - `assets`: whole assets with at most `maxRows` rows together, for what needs neighbouring readings; `spread` where
 *   not one asset is that small
 * - `last`: the last reading of each asset
 *
 * The first two take all rows where there are no more than `maxRows`.
 */
export type RowChoice =
  | { readonly kind: "spread" | "assets"; readonly maxRows: number }
  | { readonly kind: "last" };

/** The rows that training and evaluation work on. */
export function trainingChoice({ training }: Pick<Pipeline, "training">): RowChoice {
  return { kind: "spread", maxRows: training.maxRows };
}

export interface ChosenRows {
  /** WHERE clause over the parts; empty for all rows. */
  readonly where: string;
  readonly nRows: number;
  /** Every asset that is in has all its rows. */
  readonly areAssetsWhole: boolean;
}

/** Above this many numbers (2 GiB) a table is refused: it and the copies of training would not fit a usual machine. */
const MAX_CELLS = 2 ** 28;

/** Above this many assets they are not sampled one by one. */
const MAX_LISTED_ASSETS = 500_000;

/**
 * Resolves a choice for one feature set.
 *
 * @param from  table expression over the parts
 * @throws {PlatformError} invalid_pipeline: the chosen rows hold more numbers than are held in memory
 */
export async function chooseRows(
  duckdb: Pick<DuckDb, "query" | "columns">,
  from: string,
  { manifest, choice }: { readonly manifest: FeatureSetManifest; readonly choice: RowChoice },
): Promise<ChosenRows> {
  const isAll = choice.kind !== "last" && manifest.nRows <= choice.maxRows;
  const filter = isAll
    ? { where: "", areAssetsWhole: true }
    : await filterOf(duckdb, from, { manifest, choice });
  const nRows = isAll ? manifest.nRows : await countRows(duckdb, `${from}${filter.where}`);
  const nFeatures = Math.max(1, manifest.features.length);
  if (nRows * nFeatures <= MAX_CELLS) return { ...filter, nRows };
  const expected = `at most ${Math.floor(MAX_CELLS / nFeatures)} rows of ${nFeatures} features`;
  throw new PlatformError(
    "invalid_pipeline",
    `load the features: expected ${expected} in memory, got ${nRows}; set training.maxRows lower, or declare fewer features`,
    { locations: [{ field: "training.maxRows", expected, found: String(nRows) }] },
  );
}

async function filterOf(
  duckdb: Pick<DuckDb, "columns">,
  from: string,
  { manifest, choice }: { readonly manifest: FeatureSetManifest; readonly choice: RowChoice },
): Promise<Omit<ChosenRows, "nRows">> {
  if (choice.kind === "last") return { where: " WHERE __last", areAssetsWhole: false };
  const { nRows, nAssets } = manifest;
  if (choice.kind === "assets" && nAssets <= MAX_LISTED_ASSETS) {
    const taken = await wholeAssets(duckdb, from, choice.maxRows);
    if (taken.length > 0)
      return { where: ` WHERE __asset IN (${taken.map(quoteLiteral).join(", ")})`, areAssetsWhole: true };
  }
  // Of a fleet of very short series, or of a plain table, the last rows alone would be too many.
  const last = 2 * nAssets <= choice.maxRows ? " OR __last" : "";
  return { where: ` WHERE ${spreadCondition(choice.maxRows / nRows)}${last}`, areAssetsWhole: false };
}

async function wholeAssets(
  duckdb: Pick<DuckDb, "columns">,
  from: string,
  maxRows: number,
): Promise<string[]> {
  const { columns } = await duckdb.columns(
    `SELECT __asset, count(*)::DOUBLE AS n FROM ${from} GROUP BY __asset ORDER BY __asset`,
  );
  const assets = columns["__asset"] as string[];
  const isTaken = takeAssets(assets, columns["n"] as Float64Array, maxRows);
  return assets.filter((_, i) => isTaken[i] === 1);
}

async function countRows(duckdb: Pick<DuckDb, "query">, rows: string): Promise<number> {
  const [row] = await duckdb.query(`SELECT count(*) AS n FROM ${rows}`);
  return Number(row?.["n"]);
}

/** Written out and not DuckDB's own hash(), which may change with its release. Products stay below 2^63. */
function spreadCondition(share: number): string {
  const mixed = (x: string) => `((xor(${x} >> 16, ${x}) * 73244475) % 4294967296)`;
  return `${mixed(mixed("(__seq % 4294967296)"))} < ${Math.floor(share * 2 ** 32)}`;
}
