import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { trialTable } from "../../schemas/runs/trial-table.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";

/**
 * Trials as one Parquet file, in the order given.
 *
 * @param scratchDir folder for files in the making; what is made in it is removed again
 *
 * DuckDB is loaded when this is called for the first time: no other route of the API needs it.
 */
export async function trialsAsParquet(
  trials: readonly TrialView[],
  scratchDir: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { createDuckDb, quoteIdentifier, quoteLiteral } = await import("../../stores/duckdb/duckdb.ts");
  const folder = await mkdtemp(join(scratchDir, "export-"));
  const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "128MB", threads: 1 });
  try {
    const { columns, rows } = trialTable(trials);
    const [source, target] = [join(folder, "trials.json"), join(folder, "trials.parquet")];
    await writeFile(source, rows.map((row, i) => `${JSON.stringify([i, ...row])}\n`).join(""));
    const values = columns.map(
      ({ name, isNumber }, i) =>
        `(json->>${i + 1})::${isNumber ? "DOUBLE" : "VARCHAR"} AS ${quoteIdentifier(name)}`,
    );
    const from = `read_ndjson_objects(${quoteLiteral(source)})`;
    const sql = `SELECT ${values.join(", ")} FROM ${from} ORDER BY (json->>0)::INTEGER`;
    await duckdb.copyToParquet(sql, target);
    return new Uint8Array(await readFile(target));
  } finally {
    duckdb.close();
    await rm(folder, { recursive: true, force: true });
  }
}
