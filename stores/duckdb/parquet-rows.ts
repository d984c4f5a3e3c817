import { quoteLiteral } from "./duckdb.ts";
import type { DuckDb } from "./duckdb.ts";

/**
 * Rows of a Parquet file as plain objects: times as a bigint of microseconds since 1970, other numbers as doubles with NaN as null;
 * what is nested stays what it is.
 *
 * @param path checked by the engine's own limits of folders
 */
export async function parquetRows(
  engine: Pick<DuckDb, "query">,
  path: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const rows = await engine.query(
    `select * from read_parquet(${quoteLiteral(path)}) limit ${limit} offset ${from}`,
  );
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)])),
  );
}

function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isNaN(value) ? null : value;
  if (typeof value !== "object" || value === null) return value;
  const { micros, millis, nanos, seconds } = value as Readonly<Record<string, unknown>>;
  if (typeof micros === "bigint") return micros;
  if (typeof millis === "bigint") return millis * 1_000n;
  if (typeof nanos === "bigint") return nanos / 1_000n;
  if (typeof seconds === "bigint") return seconds * 1_000_000n;
  if ("toDouble" in value && typeof value.toDouble === "function") return (value.toDouble as () => number)();
  return value;
}
