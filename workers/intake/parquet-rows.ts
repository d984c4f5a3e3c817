import { join } from "node:path";
import type { StreamPolicy } from "../../sources/streams/stream.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { parquetRows } from "../../stores/duckdb/parquet-rows.ts";

export interface ParquetRowsOptions {
  /** Folders whose files may be read. */
  readonly folders: readonly string[];
  readonly scratchDir: string;
}

const MEMORY = "256MB";

/** Reads Parquet files of watched folders; the engine is opened for the first one. */
export function createParquetRows({
  folders,
  scratchDir,
}: ParquetRowsOptions): StreamPolicy["readParquet"] & {
  readonly close: () => Promise<void>;
} {
  let opened: Promise<DuckDb> | undefined;
  const read: StreamPolicy["readParquet"] = async (path, { from, limit }) => {
    opened ??= createDuckDb({
      directories: [scratchDir, ...folders],
      tempDirectory: join(scratchDir, "duckdb"),
      memoryLimit: MEMORY,
      threads: 1,
    });
    return parquetRows(await opened, path, { from, limit });
  };
  return Object.assign(read, { close: async () => (await opened)?.close() });
}
