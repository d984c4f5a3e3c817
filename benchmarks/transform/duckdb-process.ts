import { statSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { N_SENSORS, quoted } from "./readings-csv.ts";

/**
 * The peer of the transform suite, in a process of its own: DuckDB as somebody writes it who needs the features
 * once and nothing else. CSV → sorted Parquet → the same 32 features in Parquet, same threads, row order and
 * compression as ours. It checks no range, keeps no quarantine, hashes nothing.
 *
 * Usage: duckdb-process.js READINGS.csv OUT_FOLDER THREADS
 */
const [csv = "", out = "", threads = "1"] = process.argv.slice(2);

const sensors = Array.from({ length: N_SENSORS }, (_, index) => `s${index + 1}`);
const parquet = join(out, "readings.parquet");
const features = join(out, "features.parquet");
// The levels that our ingest and our transform write with.
const READINGS = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)";
const FEATURES = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)";

const window = (cycles: number): string =>
  `(PARTITION BY asset ORDER BY cycle ROWS BETWEEN ${cycles - 1} PRECEDING AND CURRENT ROW)`;
const columns = sensors.flatMap((sensor) => [
  sensor,
  `avg(${sensor}) OVER ${window(10)} AS ${sensor}_mean_10`,
  `avg(${sensor}) OVER ${window(60)} AS ${sensor}_mean_60`,
  `stddev_samp(${sensor}) OVER ${window(60)} AS ${sensor}_std_60`,
]);

const start = performance.now();
const instance = await DuckDBInstance.create(":memory:", { threads, temp_directory: join(out, "spill") });
const connection = await instance.connect();
const types = ["asset: 'VARCHAR'", "cycle: 'BIGINT'", ...sensors.map((sensor) => `${sensor}: 'DOUBLE'`)];
await connection.run(
  `COPY (SELECT * FROM read_csv('${quoted(csv)}', header = true, columns = {${types.join(", ")}}) ORDER BY asset, cycle)
   TO '${quoted(parquet)}' ${READINGS}`,
);
const ingestMs = performance.now() - start;
await connection.run(
  `COPY (SELECT asset, cycle, ${columns.join(", ")} FROM read_parquet('${quoted(parquet)}') ORDER BY asset, cycle)
   TO '${quoted(features)}' ${FEATURES}`,
);
const wallMs = performance.now() - start;
const version = (await connection.runAndReadAll("SELECT version()")).getRows()[0]?.[0];
connection.closeSync();
instance.closeSync();

const peakRssBytes = process.resourceUsage().maxRSS * 1024;
const bytes = statSync(features).size;
process.stdout.write(`${JSON.stringify({ wallMs, ingestMs, peakRssBytes, bytes, version })}\n`);
