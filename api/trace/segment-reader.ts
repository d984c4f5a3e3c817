import { readFile, truncate } from "node:fs/promises";
import { tableFromIPC } from "apache-arrow";
import type { PredictionIndexRow } from "../../stores/postgres/port.ts";
import { wholeMessagesLength } from "./arrow-batch.ts";

/** Headline value of a traced row; the index shows it. Known again from the outputs alone. */
export type HeadlineOf = (model: string, outputs: readonly number[]) => number;

/** Cuts off what a crash left half-written. @returns bytes kept */
export async function cutTornTail(path: string): Promise<number> {
  const bytes = await readFile(path);
  const nBytes = wholeMessagesLength(bytes);
  if (nBytes < bytes.length) await truncate(path, nBytes);
  return nBytes;
}

/** Index rows of a whole segment file, in order. */
export async function readIndexRows(
  path: string,
  segment: string,
  headlineOf: HeadlineOf,
): Promise<PredictionIndexRow[]> {
  const table = tableFromIPC(await readFile(path));
  const rows: PredictionIndexRow[] = [];
  for (const row of table) {
    const outputs = Array.from(row["outputs"] as Iterable<number>);
    rows.push({
      predictionId: String(row["predictionId"]),
      model: String(row["model"]),
      version: Number(row["version"]),
      digest: String(row["digest"]),
      asset: row["asset"] === null ? null : String(row["asset"]),
      at: new Date(Number(row["at"])).toISOString(),
      actor: String(row["actor"]),
      segment,
      offset: rows.length,
      value: headlineOf(String(row["model"]), outputs),
      requestId: String(row["requestId"]),
    });
  }
  return rows;
}
