import { readFile, truncate } from "node:fs/promises";
import type { PredictionIndexRow } from "../../stores/postgres/port.ts";
import { wholeMessagesLength } from "./arrow-batch.ts";
import { traceRowsOf } from "./trace-rows.ts";

/** Headline value of a traced row; the index shows it. Known again from the outputs alone. */
export type HeadlineOf = (model: string, outputs: Float64Array) => number;

/** Cuts off what a crash left half-written. */
export async function cutTornTail(path: string): Promise<void> {
  const bytes = await readFile(path);
  const nBytes = wholeMessagesLength(bytes);
  if (nBytes < bytes.length) await truncate(path, nBytes);
}

/** Rows handed out at once: so few that decoding and sending them holds the event loop for about a millisecond. */
const CHUNK_ROWS = 200;

/** Index rows of a whole segment file in order, in chunks. The reader sets the pace. */
export async function* readIndexRows(
  path: string,
  segment: string,
  headlineOf: HeadlineOf,
): AsyncGenerator<PredictionIndexRow[]> {
  let chunk: PredictionIndexRow[] = [];
  let offset = 0;
  for (const { model, outputs, ...row } of traceRowsOf(await readFile(path))) {
    chunk.push({ ...row, model, value: headlineOf(model, outputs), segment, offset: offset++ });
    if (chunk.length < CHUNK_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
