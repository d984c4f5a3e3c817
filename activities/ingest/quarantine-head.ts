import { readQuarantine } from "../../sources/ingest/ingest.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import type { QuarantinedRow } from "../../stores/postgres/port.ts";
import type { LocalParquet } from "../parquet-object.ts";

/** Quarantined rows kept in PostgreSQL for people to look at; all of them are in the Parquet part. */
const MAX_ROWS = 100_000;

export async function quarantineHead(
  duckdb: DuckDb,
  part: LocalParquet | undefined,
): Promise<QuarantinedRow[]> {
  if (part === undefined) return [];
  const rows: QuarantinedRow[] = [];
  for await (const batch of readQuarantine(duckdb, part.path)) {
    for (const row of batch) {
      if (rows.length >= MAX_ROWS) return rows;
      rows.push({
        source: String(row["source"]),
        file: String(row["file"]),
        line: Number(row["line"]),
        code: String(row["code"]),
        message: String(row["message"]),
        text: String(row["text"]),
      });
    }
  }
  return rows;
}
