import { realpathSync } from "node:fs";
import { quoteIdentifier, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { DataTable } from "./data-version.ts";

/** Columns of every part that are not the user's own; kept under the names that the manifest's description has. */
const KEYS = ["__asset", "__t", "__seq", "__part"] as const;

/**
 * Writes a table's checked-out parts as one CSV with the columns' own names, in stored order.
 *
 * By a DuckDB in memory that can reach nothing but the folder: column names and values are the data's, and no statement
 * of theirs is ever run.
 *
 * @returns number of rows
 */
export async function writeCsv(
  table: DataTable,
  {
    parts,
    folder,
    path,
  }: { readonly parts: readonly string[]; readonly folder: string; readonly path: string },
): Promise<number> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "1",
    memory_limit: "512MB",
    preserve_insertion_order: "true",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    const allowed = [...new Set([realpathSync(folder), folder])].map(quoteLiteral).join(", ");
    await connection.run(`SET allowed_directories = [${allowed}]`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    const result = await connection.run(
      `COPY (SELECT ${selectList(table)} FROM read_parquet([${parts.map(quoteLiteral).join(", ")}]))
         TO ${quoteLiteral(path)} (FORMAT csv, HEADER true)`,
    );
    return Number((await result.getRows())[0]?.[0] ?? 0);
  } finally {
    instance.closeSync();
  }
}

function selectList({ columns, isTimestamped }: DataTable): string {
  const keys = KEYS.map((key) =>
    key === "__t" && isTimestamped ? "make_timestamp(__t) AS __t" : quoteIdentifier(key),
  );
  const named = columns.map(([physical, name]) =>
    physical === name ? quoteIdentifier(name) : `${quoteIdentifier(physical)} AS ${quoteIdentifier(name)}`,
  );
  return [...keys, ...named].join(", ");
}
