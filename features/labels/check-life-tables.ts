import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { FeatureView } from "../feature-view.ts";
import type { SqlEngine } from "../sql-engine.ts";

/**
 * Checks that tables matched by row number have exactly one row per asset: with one row too few every later asset
 * would silently get its neighbour's life.
 *
 * @param sources all shards of the readings and the labels sources
 * @throws {PlatformError} bad_file with both counts
 */
export async function checkLifeTables(
  engine: SqlEngine,
  view: FeatureView,
  sources: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  if (view.label.kind !== "end_of_life") return;
  const readings = await engine.parquet(sources[view.source] ?? []);
  for (const { at, parts } of view.label.ends) {
    if (typeof at === "string" || at.match !== "row_number") continue;
    const table = await engine.parquet(sources[at.source] ?? []);
    const inParts = parts === undefined ? "true" : `__part IN (${parts.map(quoteLiteral).join(", ")})`;
    // A table of one part serves whatever parts the end names; of several, each serves its own.
    const ownRows = `${inParts} OR (SELECT count(DISTINCT __part) FROM ${table}) = 1`;
    const counts = await engine.columns(
      `SELECT CAST((SELECT count(*) FROM (SELECT DISTINCT __asset, __part FROM ${readings} WHERE ${inParts})) AS DOUBLE) AS assets,` +
        ` CAST((SELECT count(*) FROM ${table} WHERE ${ownRows}) AS DOUBLE) AS rows`,
    );
    const [assets, rows] = [counts.columns["assets"]?.[0], counts.columns["rows"]?.[0]];
    if (assets !== rows)
      throw new PlatformError(
        "bad_file",
        `labels source [${at.source}] matched by row number: expected ${String(assets)} rows, one per asset${parts === undefined ? "" : ` of ${parts.join(", ")}`}, got ${String(rows)}`,
      );
  }
}
