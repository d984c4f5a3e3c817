import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { LeftOutAsset } from "../../schemas/serving/score.ts";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts } from "../features/sensor-columns.ts";

/** As many as ingest tells apart. */
const MAX_ASSETS = 1_000_000;

type Deps = Pick<ActivityDeps, "objects" | "duckdb">;

/**
 * Assets that the files name and of which no reading was accepted: their rows are all in the quarantine, or they stand in
 * the events or attributes alone. A row without a readable asset id names none.
 *
 * @param scored  every asset with an accepted reading
 * @returns in the order of their ids
 */
export async function assetsWithoutReadings(
  deps: Deps,
  dataset: DatasetManifest,
  scored: ReadonlySet<string>,
): Promise<LeftOutAsset[]> {
  const found = new Map<string, LeftOutAsset>();
  for (const asset of await assetsOfOtherSources(deps, dataset)) {
    if (!scored.has(asset)) found.set(asset, { asset, reason: "no_readings", rows: 0, codes: [] });
  }
  for (const lost of await assetsInQuarantine(deps, dataset)) {
    if (!scored.has(lost.asset)) found.set(lost.asset, lost);
  }
  return [...found.values()].sort((a, b) => (a.asset < b.asset ? -1 : 1));
}

async function assetsInQuarantine(deps: Deps, dataset: DatasetManifest): Promise<LeftOutAsset[]> {
  const readings = Object.entries(dataset.sources).find(([, source]) => source.role === "readings");
  if (dataset.quarantine === undefined || readings === undefined) return [];
  const from = await deps.duckdb.parquet([await deps.objects.fetch(dataset.quarantine.object)]);
  // A dataset of an earlier release does not say whose its bad rows are.
  const columns = await deps.duckdb.query(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${from})`);
  if (!columns.some((column) => column["column_name"] === "asset")) return [];
  const rows = await deps.duckdb.query(
    `SELECT asset, count(*) AS n, string_agg(DISTINCT code, ',' ORDER BY code) AS codes FROM ${from}
      WHERE source = ${quoteLiteral(readings[0])} AND asset IS NOT NULL
      GROUP BY asset ORDER BY asset LIMIT ${MAX_ASSETS}`,
  );
  return rows.map((row) => ({
    asset: String(row["asset"]),
    reason: "all_rows_quarantined",
    rows: Number(row["n"]),
    codes: String(row["codes"]).split(","),
  }));
}

async function assetsOfOtherSources(deps: Deps, dataset: DatasetManifest): Promise<string[]> {
  const assets: string[] = [];
  for (const source of Object.values(dataset.sources)) {
    const isAbout = source.role === "events" || source.role === "attributes";
    if (!isAbout || !source.hasAsset || source.parts.length === 0) continue;
    const from = await deps.duckdb.parquet(await localParts(deps, source));
    const rows = await deps.duckdb.query(`SELECT DISTINCT __asset AS asset FROM ${from} LIMIT ${MAX_ASSETS}`);
    for (const row of rows) assets.push(String(row["asset"]));
  }
  return assets;
}
