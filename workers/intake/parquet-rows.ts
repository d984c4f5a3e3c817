import { join } from "node:path";
import type { StreamPolicy } from "../../sources/streams/stream.ts";
import { createDuckDb, quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";

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
    const engine = await opened;
    const rows = await engine.query(
      `select * from read_parquet(${quoteLiteral(path)}) limit ${limit} offset ${from}`,
    );
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
    );
  };
  return Object.assign(read, { close: async () => (await opened)?.close() });
}

/** Times become microseconds as a bigint, other numbers doubles; what is nested stays what it is, and is no reading. */
function plain(value: unknown): unknown {
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
