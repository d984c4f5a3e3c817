import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FeatureTableCache } from "../../activities/features/feature-table-cache.ts";
import type { FeatureTable } from "../../activities/features/feature-table.ts";
import { trainingChoice } from "../../activities/features/row-choice.ts";
import { rowFolds } from "../../activities/split/row-folds.ts";
import { finalRows, rowsOfFold } from "../../activities/training/fold-rows.ts";
import { readPipelineText } from "../../cli/run/pipeline-text.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { FileObjectStore } from "../../stores/objects/file-object-store.ts";

/** A run whose rows a peer gets: its state folder, and the file and seed it was started with. */
export interface FinishedRun {
  readonly stateDir: string;
  readonly pipeline: string;
  readonly seed: number;
}

/**
 * Writes the rows that a finished run learnt from and was judged on, so that a peer has the same features, folds and cut
 * points: doubles, row-major, each row its features, then label, fold (−1: held out), and 1 where cross-validation or the
 * holdout judges it.
 *
 * Only for files whose features are learnt from no rows: then one feature set serves all folds.
 *
 * @returns path and number of columns of the file
 */
export async function writeFeatureRows(
  { stateDir, pipeline: file, seed }: FinishedRun,
  out: string,
): Promise<{ readonly path: string; readonly nColumns: number }> {
  const directory = join(stateDir, "objects");
  const { pipeline } = readPipelineText(file, { cwd: ".", seed });
  const split = splitDocumentSchema.parse(onlyDocument(directory, "aura.split/1").value);
  const { ref } = onlyDocument(directory, "aura.features/1");
  const objects = new FileObjectStore(directory);
  const duckdb = await createDuckDb({ directories: [directory], tempDirectory: `${out}.duckdb` });
  try {
    const table = await new FeatureTableCache(objects, duckdb).load(ref, trainingChoice(pipeline));
    const { values, nColumns } = listRows(table, pipeline, split);
    writeFileSync(out, Buffer.from(values.buffer));
    return { path: out, nColumns };
  } finally {
    duckdb.close();
  }
}

function listRows(table: FeatureTable, pipeline: Pipeline, split: SplitDocument) {
  const folds = rowFolds(split, 0, table);
  const { train, test } = finalRows(table, pipeline, split);
  const judged = new Set(test);
  for (let fold = 0; fold < pipeline.split.folds; fold++)
    for (const row of rowsOfFold(table, { pipeline, split, repeat: 0, fold }).validate) judged.add(row);
  const { data, nColumns: nFeatures } = table.matrix;
  const rows = [...train, ...test];
  const nColumns = nFeatures + 3;
  const values = new Float64Array(rows.length * nColumns);
  rows.forEach((row, at) => {
    values.set(data.subarray(row * nFeatures, (row + 1) * nFeatures), at * nColumns);
    const keys = [table.y[row] as number, Math.max(-1, folds[row] as number), judged.has(row) ? 1 : 0];
    values.set(keys, at * nColumns + nFeatures);
  });
  return { values, nColumns };
}

/** @throws {Error} when the store holds none of this kind, or several */
function onlyDocument(directory: string, kind: string): { readonly value: unknown; readonly ref: ObjectRef } {
  const folder = join(directory, "processed", "json");
  const found = readdirSync(folder).flatMap((name) => {
    if (!name.endsWith(".json")) return [];
    const bytes = readFileSync(join(folder, name));
    const value = JSON.parse(bytes.toString()) as { kind?: unknown } | null;
    const sha256 = name.slice(0, -".json".length);
    const ref = { key: `processed/json/${name}`, sha256, bytes: bytes.length };
    return value?.kind === kind ? [{ value, ref }] : [];
  });
  const [only] = found;
  if (only === undefined || found.length > 1)
    throw new Error(`read ${kind} [${folder}]: expected one document, got ${found.length}`);
  return only;
}
