import type { DatasetSource } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ColumnTable } from "../../stores/duckdb/duckdb.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import type { StagedRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts } from "../features/sensor-columns.ts";

export interface StageJob {
  readonly id: string;
  readonly pipeline: Pipeline;
  readonly name: string;
  readonly source: DatasetSource;
}

/** Copies the readings to PostgreSQL when there are few enough; larger datasets stay in Parquet alone. */
export async function stageReadings(deps: ActivityDeps, job: StageJob): Promise<number> {
  const { source, pipeline } = job;
  const limit = Math.min(pipeline.staging.maxRows, deps.stagingMaxRows);
  if (source.counts.accepted > limit || source.parts.length === 0) return 0;
  return deps.db.datasets.stageRows(job.id, job.name, stagedRows(deps, source));
}

async function* stagedRows(deps: ActivityDeps, source: DatasetSource): AsyncGenerator<StagedRow[]> {
  const numeric = source.columns
    .filter((c) => c.type !== "text" && c.type !== "timestamp")
    .map((c) => c.physical);
  const columns = numeric
    .map((name) => `, ${quoteIdentifier(name)}::DOUBLE AS ${quoteIdentifier(name)}`)
    .join("");
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const sql = `SELECT __asset, __t, __seq${columns} FROM ${from}`;
  for await (const batch of deps.duckdb.batches(sql, { batchRows: 10_000 })) yield toRows(batch, numeric);
}

function toRows(batch: ColumnTable, numeric: readonly string[]): StagedRow[] {
  const assets = batch.columns["__asset"] as string[];
  const t = batch.columns["__t"] as BigInt64Array;
  const seq = batch.columns["__seq"] as BigInt64Array;
  const values = numeric.map((name) => batch.columns[name] as Float64Array);
  return Array.from({ length: batch.nRows }, (_, row) => ({
    asset: assets[row] as string,
    t: t[row] as bigint,
    seq: seq[row] as bigint,
    values: values.map((column) => {
      const value = column[row] as number;
      return Number.isNaN(value) ? null : value;
    }),
  }));
}
