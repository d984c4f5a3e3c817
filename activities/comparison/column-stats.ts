import type { ColumnStats } from "../../schemas/data/data-diff.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DataColumn } from "./data-tables.ts";

/** Columns read by one statement: a table may have thousands. */
const COLUMNS_AT_ONCE = 100;
/** What two threads add up in another order differs in the last digits. */
const DIGITS = 12;

export interface StatsRequest {
  /** Local files of all parts; empty for a table without rows. */
  readonly paths: readonly string[];
  readonly columns: readonly DataColumn[];
  readonly signal: AbortSignal;
}

/**
 * Count, null share, mean, standard deviation, least and largest value of each column; of text how many values there are.
 *
 * Cost: two scans of the columns. Values are divided by the largest magnitude before they are summed, so that sums and
 * squares of 1e200 stay finite.
 */
export async function columnStats(duckdb: DuckDb, request: StatsRequest): Promise<ColumnStats[]> {
  const { paths, columns, signal } = request;
  if (paths.length === 0) return columns.map(() => NO_ROWS);
  const from = await duckdb.parquet(paths);
  const stats: ColumnStats[] = [];
  for (let at = 0; at < columns.length; at += COLUMNS_AT_ONCE) {
    signal.throwIfAborted();
    stats.push(
      ...(await statsOf(duckdb, { from, columns: columns.slice(at, at + COLUMNS_AT_ONCE), signal })),
    );
  }
  return stats;
}

const NO_ROWS: ColumnStats = {
  rows: 0,
  nullShare: null,
  mean: null,
  std: null,
  min: null,
  max: null,
  distinct: null,
};

interface Batch {
  readonly from: string;
  readonly columns: readonly DataColumn[];
  readonly signal: AbortSignal;
}

async function statsOf(duckdb: DuckDb, { from, columns, signal }: Batch): Promise<ColumnStats[]> {
  const bounds = columns.map(({ physical, isText }, i) => {
    const c = quoteIdentifier(physical);
    const known = `count(${c})::DOUBLE AS n${i}`;
    return isText
      ? `${known}, count(DISTINCT ${c})::DOUBLE AS d${i}`
      : `${known}, min(${c})::DOUBLE AS a${i}, max(${c})::DOUBLE AS z${i}`;
  });
  const [first = {}] = await duckdb.query(`SELECT count(*)::DOUBLE AS n, ${bounds.join(", ")} FROM ${from}`, {
    signal,
  });
  const scales = columns.map((_, i) =>
    Math.max(Math.abs(Number(first[`a${i}`] ?? 0)), Math.abs(Number(first[`z${i}`] ?? 0))),
  );
  const sums = columns.flatMap(({ physical, isText }, i) => {
    const scale = scales[i] ?? 0;
    if (isText || scale === 0 || !Number.isFinite(scale)) return [];
    const scaled = `${quoteIdentifier(physical)}::DOUBLE / ${scale}::DOUBLE`;
    return [`avg(${scaled}) AS m${i}`, `stddev_pop(${scaled}) AS s${i}`];
  });
  const [second = {}] =
    sums.length === 0 ? [{}] : await duckdb.query(`SELECT ${sums.join(", ")} FROM ${from}`, { signal });
  const rows = Number(first["n"]);
  return columns.map(({ isText }, i): ColumnStats => {
    const scale = scales[i] ?? 0;
    const nKnown = Number(first[`n${i}`]);
    const figure = (value: unknown, factor = 1) => (value == null ? null : rounded(Number(value) * factor));
    // Without a scale every value is 0.
    const ofScaled = (value: unknown) =>
      isText || nKnown === 0 ? null : scale === 0 ? 0 : figure(value, scale);
    return {
      rows,
      nullShare: rows === 0 ? null : rounded((rows - nKnown) / rows),
      mean: ofScaled((second as Record<string, unknown>)[`m${i}`]),
      std: ofScaled((second as Record<string, unknown>)[`s${i}`]),
      min: figure(first[`a${i}`]),
      max: figure(first[`z${i}`]),
      distinct: isText ? Number(first[`d${i}`]) : null,
    };
  });
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;
}
