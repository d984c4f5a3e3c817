import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { putDocument, readFeatureSet } from "../../stores/objects/documents.ts";
import { quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import type { Beat } from "../heartbeat.ts";
import { putParquet } from "../parquet-object.ts";

export interface TrainingSetRequest {
  readonly featureSet: ObjectRef;
  readonly table: FeatureTable;
  /** Rows of the table that train, and those of them that early stopping looks at. */
  readonly train: Int32Array;
  readonly stop: Int32Array;
  /** How much each row of the table counts, where the set has no column that says so. */
  readonly weights: Float64Array | undefined;
}

/**
 * The training rows of a feature set as a set of its own: a trainer elsewhere is given these and cannot look at the
 * holdout, or at the rows that its fold is judged on. One more column, `__stop` BOOLEAN, marks rows for early stopping.
 *
 * Registered, so that it can be fetched by its id and goes away with its dataset.
 */
export async function storeTrainingSet(
  deps: ActivityDeps,
  { featureSet, table, train, stop, weights }: TrainingSetRequest,
  beat: Beat,
): Promise<ObjectRef> {
  const whole = await readFeatureSet(deps.objects, featureSet);
  const scratch = await mkdtemp(join(deps.scratchDir, "external-"));
  try {
    const paths = [];
    for (const part of whole.parts) paths.push(await deps.objects.fetch(part.object));
    const list = join(scratch, "rows.csv");
    await writeFile(list, rowList(table, { train, stop, weights }));
    const columns = {
      seq: "BIGINT",
      stop: "BOOLEAN",
      ...(weights === undefined ? {} : { weight: "DOUBLE" }),
    };
    const types = Object.entries(columns).map(([name, type]) => `'${name}': '${type}'`);
    const weight = weights === undefined ? "" : ", r.weight AS __weight";
    const path = join(scratch, "rows.parquet");
    const rows = await deps.duckdb.copyToParquet(
      `SELECT f.*, r.stop AS __stop${weight} FROM ${await deps.duckdb.parquet(paths)} f
         JOIN read_csv(${quoteLiteral(list)}, header = false, columns = {${types.join(", ")}}) r
           ON f.__seq = r.seq`,
      path,
      { orderBy: ["__asset", "__t", "__seq"], signal: beat.signal },
    );
    const part = await putParquet(deps.objects, { path, rows, shard: 0 });
    const codes = new Set([...train, ...stop].map((row) => table.assetCodes[row]));
    const { nUnseenClass: _, ...common } = whole;
    const manifest: FeatureSetManifest = {
      ...common,
      parts: [part],
      nRows: rows,
      nLabelled: rows,
      // Rows of assets that had not failed have no label, and are not among them.
      ...(whole.nCensored === undefined ? {} : { nCensored: 0 }),
      ...(weights === undefined ? {} : { hasWeight: true }),
      nAssets: codes.size,
    };
    const stored = await putDocument(deps.objects, manifest);
    const { dataset, view, fitted, nAssets } = manifest;
    await deps.db.features.putFeatureSet(
      { object: stored, dataset, view, fitted, rows, assets: nAssets },
      nothing(),
    );
    return stored;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function rowList(
  { seq }: FeatureTable,
  { train, stop, weights }: Pick<TrainingSetRequest, "train" | "stop" | "weights">,
): string {
  const weight = (row: number) => (weights === undefined ? "" : `,${weights[row]}`);
  const lines = [train, stop].flatMap((rows, isStop) =>
    Array.from(rows, (row) => `${seq[row]},${isStop === 1}${weight(row)}`),
  );
  return `${lines.join("\n")}\n`;
}

async function* nothing(): AsyncGenerator<never[]> {}
