import type { RowChanges } from "../../schemas/data/data-diff.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";

/** Both tables' keys are held at once, some 100 bytes a row; what has more rows is compared by its figures alone. */
export const MOST_ROWS = 20_000_000;

export interface RowsOfSide {
  /** Local files of all parts; empty for a table without rows. */
  readonly paths: readonly string[];
  /** Physical names of the columns that both sides have, in one order for both. */
  readonly columns: readonly string[];
}

/**
 * Rows of `b` against those of `a`, by asset and time. Several rows of one asset and time are one bag: it is equal or
 * changed as a whole, and what it has more or less counts as added or removed.
 *
 * Cost: one scan of the columns of each side, and a join of their keys.
 */
export async function rowChanges(
  duckdb: DuckDb,
  sides: { readonly a: RowsOfSide; readonly b: RowsOfSide; readonly signal: AbortSignal },
): Promise<RowChanges> {
  const { a, b, signal } = sides;
  const [row = {}] = await duckdb.query(
    `WITH a AS (${await bagsOf(duckdb, a)}), b AS (${await bagsOf(duckdb, b)})
     SELECT sum(CASE WHEN a.rows IS NOT DISTINCT FROM b.rows AND a.digest = b.digest THEN a.rows ELSE 0 END) AS equal,
            sum(CASE WHEN a.rows IS NOT DISTINCT FROM b.rows AND a.digest = b.digest THEN 0
                     ELSE least(coalesce(a.rows, 0), coalesce(b.rows, 0)) END) AS changed,
            sum(greatest(coalesce(b.rows, 0) - coalesce(a.rows, 0), 0)) AS added,
            sum(greatest(coalesce(a.rows, 0) - coalesce(b.rows, 0), 0)) AS removed
       FROM a FULL JOIN b ON a.asset = b.asset AND a.t = b.t`,
    { signal },
  );
  const count = (name: string) => Number(row[name] ?? 0);
  return {
    equal: count("equal"),
    changed: count("changed"),
    added: count("added"),
    removed: count("removed"),
  };
}

/** Rows of each asset and time: how many, and a digest of their values that no order changes. */
async function bagsOf(duckdb: DuckDb, { paths, columns }: RowsOfSide): Promise<string> {
  if (paths.length === 0)
    return "SELECT '' AS asset, 0::BIGINT AS t, 0::BIGINT AS rows, 0::HUGEINT AS digest WHERE false";
  const values = columns.length === 0 ? "0" : columns.map(quoteIdentifier).join(", ");
  return `SELECT coalesce(__asset::VARCHAR, '') AS asset, coalesce(__t::BIGINT, 0) AS t, count(*) AS rows,
                 sum(hash(${values})::HUGEINT) AS digest
            FROM ${await duckdb.parquet(paths)} GROUP BY 1, 2`;
}
