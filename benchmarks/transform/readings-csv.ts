import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/** Sensors of the generated readings. */
export const N_SENSORS = 8;
/** Readings of one asset. */
const CYCLES_PER_ASSET = 10_000;

/**
 * A CSV of readings: asset, cycle and eight sensors with a wear trend, a load cycle and noise.
 *
 * Every value follows from its row number through a hash, so the same number of rows gives the same bytes on
 * every run. Kept in `cache` between runs: ten million rows are 0.8 GB and take some seconds.
 *
 * @returns path of the file
 */
export async function readingsCsv(cache: string, nRows: number): Promise<string> {
  const path = join(cache, `readings-v1-${nRows}.csv`);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}.tmp`;
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    await connection.run("SET threads = 1");
    await connection.run(`COPY (${readingsSql(nRows)}) TO '${quoted(unfinished)}' (FORMAT csv, HEADER true)`);
    renameSync(unfinished, path);
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(unfinished, { force: true });
  }
  return path;
}

function readingsSql(nRows: number): string {
  const sensors = Array.from({ length: N_SENSORS }, (_, k) => {
    const noise = `(hash(i * ${N_SENSORS} + ${k}) % 2000) / 1000.0 - 1.0`;
    return `round(${50 + 5 * k} + 8 * sin(c / ${20 + 3 * k}.0) + c * ${(k + 1) / 5000} + ${noise}, 3) AS s${k + 1}`;
  });
  return `SELECT 'unit-' || lpad((i // ${CYCLES_PER_ASSET})::VARCHAR, 5, '0') AS asset, c AS cycle, ${sensors.join(", ")}
    FROM (SELECT i, (i % ${CYCLES_PER_ASSET}) + 1 AS c FROM range(${nRows}) r(i))`;
}

/** Text for a SQL string literal. */
export function quoted(text: string): string {
  return text.replaceAll("'", "''");
}
