import { baseLayer } from "../../features/base-layer.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import type { DatasetManifest, DatasetSource, StoredColumn } from "../../schemas/data/dataset.ts";
import type { FittedState } from "../../schemas/data/feature-set.ts";
import type { Slice } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { slicesNamed } from "../../schemas/pipeline/slice.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { quoteIdentifier, quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";
import { foldRareValues, regimeText, SHOWN_CHARACTERS } from "./slice-values.ts";

/** One declared slice over some rows: the value of each as an index into `values`. */
export interface RowSlices {
  readonly column: string;
  readonly codes: Int32Array;
  readonly values: readonly Pick<Slice, "value" | "bucket">[];
}

export interface SliceRequest {
  readonly pipeline: Pipeline;
  readonly dataset: DatasetManifest;
  readonly view: FeatureView;
  readonly fitted: FittedState;
  readonly table: Pick<FeatureTable, "seq">;
  /** Rows of the table, ascending. */
  readonly rows: Int32Array;
}

type Reads = Pick<ActivityDeps, "duckdb" | "objects">;

/**
 * Values of the slices that `evaluate.slices` declares, for some rows of a feature table, read from the dataset itself:
 * what is sliced by need not be a feature.
 *
 * Values are bounded in number and length here, before they enter any document (`foldRareValues`).
 *
 * @throws {PlatformError} conflict when the dataset lacks a declared column
 *
 * Memory: the texts of the asked rows, one slice at a time, none longer than `SHOWN_CHARACTERS`.
 */
export async function readSlices(deps: Reads, request: SliceRequest): Promise<RowSlices[]> {
  const slices: RowSlices[] = [];
  for (const name of request.pipeline.evaluate.slices) {
    const { sql, textOf } = await sliceSql(deps, request, name);
    const texts = await textsOfRows(deps, request, sql);
    slices.push({ column: name, ...foldRareValues(texts, textOf) });
  }
  return slices;
}

const asIs = (value: string) => value;

interface SliceSql {
  /** SELECT of `__seq` (DOUBLE) and `value` (VARCHAR). */
  readonly sql: string;
  readonly textOf: (value: string) => string;
}

async function sliceSql(deps: Reads, request: SliceRequest, name: string): Promise<SliceSql> {
  const { pipeline, dataset, view, fitted } = request;
  const [slice] = slicesNamed(pipeline, name);
  const source = readingsOf(dataset);
  const readings = await deps.duckdb.parquet(await localParts(deps, source));
  switch (slice?.kind) {
    case "column": {
      const value = boundedSql(storedText(storedColumn(source, slice.column)));
      return { sql: `SELECT __seq::DOUBLE AS __seq, ${value} AS value FROM ${readings}`, textOf: asIs };
    }
    case "attribute": {
      const table = dataset.sources[slice.source];
      if (table === undefined) throw missing(slice.source);
      const value = boundedSql(storedText(storedColumn(table, slice.column)));
      const attributes = await deps.duckdb.parquet(await localParts(deps, table));
      // As the feature does it: of several rows of one asset the last one counts.
      const last = `SELECT __asset, arg_max(${value}, __seq) AS value FROM ${attributes} GROUP BY __asset`;
      const sql = `SELECT r.__seq::DOUBLE AS __seq, a.value AS value FROM ${readings} r LEFT JOIN (${last}) a ON r.__asset = a.__asset`;
      return { sql, textOf: asIs };
    }
    case "regime": {
      const { regimes } = fitted;
      if (regimes === undefined) throw missing(name);
      const { sql } = baseLayer({ view, fitted, readings, hasLabel: false });
      return {
        sql: `SELECT __seq::DOUBLE AS __seq, __regime::VARCHAR AS value FROM (${sql})`,
        textOf: (value) => regimeText(regimes, Number(value)),
      };
    }
    case undefined:
      throw missing(name);
  }
}

function storedColumn({ columns }: DatasetSource, name: string): StoredColumn {
  const found = columns.find((column) => column.name === name);
  if (found === undefined) throw missing(name);
  return found;
}

function missing(name: string): PlatformError {
  return new PlatformError("conflict", `evaluate slices: expected ${name} in the dataset, found none`);
}

/** A stored value as people wrote it: whole numbers without a decimal point, booleans in words. */
function storedText({ physical, type }: StoredColumn): string {
  const column = quoteIdentifier(physical);
  if (type === "text") return column;
  if (type === "boolean") return `CASE ${column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`;
  return `CASE WHEN ${column} = trunc(${column}) THEN CAST(TRY_CAST(${column} AS BIGINT) AS VARCHAR) ELSE CAST(${column} AS VARCHAR) END`;
}

/** Long texts lose their end before they leave the database, and keep a hash, so that two stay two. */
function boundedSql(text: string): string {
  const kept = SHOWN_CHARACTERS - 9;
  return `CASE WHEN length(${text}) > ${SHOWN_CHARACTERS} THEN left(${text}, ${kept}) || ${quoteLiteral("…")} || left(sha256(${text}), 8) ELSE ${text} END`;
}

/** Text of each asked row, in their order; null: it has none. */
async function textsOfRows(
  deps: Reads,
  { table, rows }: SliceRequest,
  sql: string,
): Promise<(string | null)[]> {
  const lastSeq = table.seq.reduce((a, b) => Math.max(a, b), -1);
  const placeOfSeq = new Int32Array(lastSeq + 1).fill(-1);
  rows.forEach((row, place) => (placeOfSeq[table.seq[row] as number] = place));
  const texts = Array.from<string | null>({ length: rows.length }).fill(null);
  for await (const { nRows, columns } of deps.duckdb.batches(sql)) {
    const seq = columns["__seq"] as Float64Array;
    const values = columns["value"] as (string | null)[];
    for (let i = 0; i < nRows; i++) {
      const place = placeOfSeq[seq[i] as number] ?? -1;
      if (place >= 0) texts[place] = values[i] ?? null;
    }
  }
  return texts;
}
