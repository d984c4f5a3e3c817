import { readFile, truncate } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RecordBatchReader } from "apache-arrow";
import type { RecordBatch } from "apache-arrow";
import type { PredictionIndexRow } from "../../stores/postgres/port.ts";
import { wholeMessagesLength } from "./arrow-batch.ts";

/** Headline value of a traced row; the index shows it. Known again from the outputs alone. */
export type HeadlineOf = (model: string, outputs: Float64Array) => number;

/** Cuts off what a crash left half-written. */
export async function cutTornTail(path: string): Promise<void> {
  const bytes = await readFile(path);
  const nBytes = wholeMessagesLength(bytes);
  if (nBytes < bytes.length) await truncate(path, nBytes);
}

/** Rows handed out at once. */
const CHUNK_ROWS = 500;
/** Batches read in one turn of the event loop: the same thread answers requests. */
const BATCHES_PER_TURN = 20;

/** Index rows of a whole segment file in order, in chunks; other work goes on in between. */
export async function* readIndexRows(
  path: string,
  segment: string,
  headlineOf: HeadlineOf,
): AsyncGenerator<PredictionIndexRow[]> {
  let chunk: PredictionIndexRow[] = [];
  let offset = 0;
  let nBatches = 0;
  for (const batch of RecordBatchReader.from(await readFile(path))) {
    for (const row of rowsOf(batch, headlineOf)) chunk.push({ ...row, segment, offset: offset++ });
    if (++nBatches % BATCHES_PER_TURN === 0) await nextTurn();
    if (chunk.length < CHUNK_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function* rowsOf(
  batch: RecordBatch,
  headlineOf: HeadlineOf,
): Generator<Omit<PredictionIndexRow, "segment" | "offset">> {
  const column = (name: string): ((row: number) => unknown) => {
    const vector = batch.getChild(name);
    return (row) => vector?.get(row) as unknown;
  };
  const [predictionId, requestId, model, version, digest, asset, at, actor, outputs] = [
    "predictionId",
    "requestId",
    "model",
    "version",
    "digest",
    "asset",
    "at",
    "actor",
    "outputs",
  ].map(column) as [Read, Read, Read, Read, Read, Read, Read, Read, Read];
  for (let row = 0; row < batch.numRows; row++) {
    const name = String(model(row));
    const id = asset(row);
    yield {
      predictionId: String(predictionId(row)),
      requestId: String(requestId(row)),
      model: name,
      version: Number(version(row)),
      digest: String(digest(row)),
      asset: typeof id === "string" ? id : null,
      at: new Date(Number(at(row))).toISOString(),
      actor: String(actor(row)),
      value: headlineOf(name, Float64Array.from(outputs(row) as Iterable<number>)),
    };
  }
}

type Read = (row: number) => unknown;
