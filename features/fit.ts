import type { FittedState } from "../schemas/data/feature-set.ts";
import { quoteIdentifier, quoteLiteral } from "../schemas/text/sql-quoting.ts";
import { fitKMeans } from "../numerics/clustering/k-means.ts";
import { mean, standardDeviation } from "../numerics/stats/moments.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { baseLayer, textSql } from "./base-layer.ts";
import type { FeatureView, ViewFeature } from "./feature-view.ts";
import { regimeOf } from "./regimes.ts";
import type { ResultTable, SqlEngine } from "./sql-engine.ts";

/** Which rows may be learnt from. */
export type TrainingRows =
  | "all"
  | { readonly assets: readonly string[] }
  /** Parquet with the `__seq` of each training row. */
  | { readonly seqPath: string };

export interface FitInput {
  readonly view: FeatureView;
  /** All shards of the readings, and of the attributes sources used as categories. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
  readonly rows: TrainingRows;
  /** Of the clustering; default 7. */
  readonly seed?: number;
}

/** Values beyond this many are not a category. */
const MAX_CATEGORIES = 10_000;

/** Rows the clustering looks at; more are thinned evenly, in row order. */
const MAX_CLUSTER_ROWS = 200_000;

/**
 * Learns what features need from training rows alone: operating regimes with the mean and scale of each sensor per
 * regime, and the codes of categories.
 *
 * Sums run in row order (`__seq`), whatever the number of threads: the same rows give the same bits.
 *
 * @throws {PlatformError} not_enough_data: no training row has all settings, or a category has too many values
 */
export async function fitView(engine: SqlEngine, input: FitInput): Promise<FittedState> {
  const regimes = await fitRegimes(engine, input);
  const categories = await fitCategories(engine, input);
  return {
    ...(regimes === undefined ? {} : { regimes }),
    ...(categories === undefined ? {} : { categories }),
  };
}

/** The rows as SQL over a reading. */
export async function trainingCondition(engine: SqlEngine, rows: TrainingRows): Promise<string> {
  if (rows === "all") return "true";
  if ("assets" in rows)
    return rows.assets.length === 0 ? "false" : `__asset IN (${rows.assets.map(quoteLiteral).join(", ")})`;
  return `__seq IN (SELECT __seq FROM ${await engine.parquet([rows.seqPath])})`;
}

async function fitCategories(engine: SqlEngine, input: FitInput): Promise<FittedState["categories"]> {
  const features = input.view.features.filter((feature) => feature.kind === "category");
  if (features.length === 0) return undefined;
  const categories: Record<string, string[]> = {};
  for (const feature of features) {
    const table = await engine.columns(
      `${await categoryValuesSql(engine, input, feature)} LIMIT ${MAX_CATEGORIES + 1}`,
    );
    if (table.nRows > MAX_CATEGORIES)
      throw new PlatformError(
        "not_enough_data",
        `category [${feature.name}]: expected at most ${MAX_CATEGORIES} values, got more`,
      );
    // Code-unit order, which is what `sort` does on strings.
    categories[feature.name] = [...(table.columns["value"] ?? [])].map(String).sort();
  }
  return categories;
}

async function categoryValuesSql(engine: SqlEngine, input: FitInput, feature: ViewFeature): Promise<string> {
  const { view, sources } = input;
  const training = await trainingCondition(engine, input.rows);
  const readings = await engine.parquet(sources[view.source] ?? []);
  const args = feature.args as { source?: string; column: string; physical?: string };
  if (args.source !== undefined) {
    const table = await engine.parquet(sources[args.source] ?? []);
    return (
      `SELECT DISTINCT ${quoteIdentifier(args.physical ?? "")} AS value FROM ${table} WHERE value IS NOT NULL` +
      ` AND __asset IN (SELECT __asset FROM ${readings} WHERE ${training})`
    );
  }
  const column = view.columns.find((c) => c.name === args.column);
  if (column === undefined) throw new RangeError(`fit: the view has no column ${args.column}`);
  return `SELECT DISTINCT ${textSql(column)} AS value FROM ${readings} WHERE value IS NOT NULL AND ${training}`;
}

async function fitRegimes(engine: SqlEngine, input: FitInput): Promise<FittedState["regimes"]> {
  const { view, sources, seed = 7 } = input;
  const declared = view.regimes;
  if (declared === undefined) return undefined;
  const readings = await engine.parquet(sources[view.source] ?? []);
  const base = baseLayer({ view, fitted: {}, readings, hasLabel: false });
  const names = [...new Set([...declared.columns, ...declared.normalize])];
  const alias = (name: string) => base.numbers.get(name) ?? "NULL::DOUBLE";
  const table = await engine.columns(
    `SELECT ${names.map((name, i) => `${alias(name)} AS u${i}`).join(", ")} FROM (${base.sql})` +
      ` WHERE ${await trainingCondition(engine, input.rows)} ORDER BY __seq`,
  );
  const column = (name: string) => numbersOf(table, `u${names.indexOf(name)}`);
  const settings = declared.columns.map(column);
  const complete = completeRows(settings, table.nRows);
  if (complete.length === 0)
    throw new PlatformError(
      "not_enough_data",
      `regimes: no training row has all of ${declared.columns.join(", ")}`,
    );
  const clusters = clusterSettings(settings, complete, { count: declared.count, seed });
  return {
    columns: [...declared.columns],
    ...clusters,
    normalized: [...declared.normalize],
    ...regimeStatistics({ clusters, settings, sensors: declared.normalize.map(column), nRows: table.nRows }),
  };
}

function numbersOf(table: ResultTable, name: string): Float64Array {
  const column = table.columns[name];
  if (!(column instanceof Float64Array)) throw new TypeError(`fit: column ${name} is not numeric`);
  return column;
}

function completeRows(settings: readonly Float64Array[], nRows: number): number[] {
  return Array.from({ length: nRows }, (_, i) => i).filter((i) =>
    settings.every((column) => !Number.isNaN(column[i])),
  );
}

interface Clusters {
  readonly centres: number[][];
  readonly settingMeans: number[];
  readonly settingScales: number[];
}

function clusterSettings(
  settings: readonly Float64Array[],
  rows: readonly number[],
  options: { readonly count: number; readonly seed: number },
): Clusters {
  const step = Math.ceil(rows.length / MAX_CLUSTER_ROWS);
  const used = rows.filter((_, i) => i % step === 0);
  const columns = settings.map((column) => Float64Array.from(used, (row) => column[row] ?? Number.NaN));
  const settingMeans = columns.map((column) => mean(column));
  const settingScales = columns.map((column) => standardDeviation(column) || 1);
  const standardize = (value: number, j: number) =>
    (value - (settingMeans[j] ?? 0)) / (settingScales[j] ?? 1);
  const values = used.flatMap((_, i) => columns.map((column, j) => standardize(column[i] ?? 0, j)));
  const model = fitKMeans(values, {
    nFeatures: settings.length,
    nClusters: options.count,
    seed: options.seed,
  });
  return { centres: model.centres.map((centre) => [...centre]), settingMeans, settingScales };
}

/** Mean and scale of each sensor in each regime; a regime without values, or a constant sensor, has scale 1. */
function regimeStatistics(input: {
  readonly clusters: Clusters;
  readonly settings: readonly Float64Array[];
  readonly sensors: readonly Float64Array[];
  readonly nRows: number;
}): { means: number[][]; scales: number[][] } {
  const { clusters, settings, sensors, nRows } = input;
  const regimes = Int32Array.from({ length: nRows }, (_, i) =>
    regimeOf(
      clusters,
      settings.map((column) => column[i] ?? Number.NaN),
    ),
  );
  const means: number[][] = [];
  const scales: number[][] = [];
  for (let k = 0; k < clusters.centres.length; k++) {
    const values = sensors.map((sensor) => sensor.filter((v, i) => regimes[i] === k && !Number.isNaN(v)));
    means.push(values.map((v) => (v.length === 0 ? 0 : mean(v))));
    scales.push(values.map((v) => (v.length < 2 ? 1 : standardDeviation(v) || 1)));
  }
  return { means, scales };
}
