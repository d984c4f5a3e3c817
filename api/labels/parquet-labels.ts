import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../schemas/platform-error.ts";
import { labelOfValues } from "../../schemas/serving/label-table.ts";

const PAGE_ROWS = 2_000;
/** One request must end. */
const MAX_ROWS = 200_000;

/**
 * Labels of a Parquet file, a page at a time. DuckDB is loaded when this is called for the first time.
 *
 * @throws {PlatformError} bad_file: no such file, a column that is none of a label's, or too many rows
 */
export async function* parquetLabels(
  bytes: Uint8Array,
  scratchDir: string,
): AsyncGenerator<readonly unknown[]> {
  const { createDuckDb } = await import("../../stores/duckdb/duckdb.ts");
  const { parquetRows } = await import("../../stores/duckdb/parquet-rows.ts");
  const folder = await mkdtemp(join(scratchDir, "labels-"));
  const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "256MB", threads: 1 });
  try {
    const path = join(folder, "labels.parquet");
    await writeFile(path, bytes);
    for (let from = 0; ; from += PAGE_ROWS) {
      const rows = await parquetRows(duckdb, path, { from, limit: PAGE_ROWS }).catch((cause: unknown) => {
        throw new PlatformError("bad_file", "read labels: expected a Parquet file", { cause });
      });
      if (rows.length === 0 && from > 0) return;
      if (rows.length === 0 || from >= MAX_ROWS)
        throw new PlatformError("bad_file", `read labels: expected 1 to ${MAX_ROWS} rows`);
      yield rows.map(labelOfValues);
      if (rows.length < PAGE_ROWS) return;
    }
  } finally {
    duckdb.close();
    await rm(folder, { recursive: true, force: true });
  }
}
