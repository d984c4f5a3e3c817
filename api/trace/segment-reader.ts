import { readFile, truncate } from "node:fs/promises";
import type { PredictionIndexRow } from "../../stores/postgres/port.ts";
import { wholeMessagesLength } from "./arrow-batch.ts";
import type { TraceRow } from "./trace-row.ts";
import { traceRowsOf } from "./trace-rows.ts";

/** Headline value of a traced row; the index shows it. Known again from what is stored; never throws. */
export type HeadlineOf = (row: Pick<TraceRow, "model" | "digest" | "outputs">) => number;

/**
 * Cuts off what a crash left half-written.
 * @throws {RangeError} when nothing whole is in the file: it is no segment
 */
export async function cutTornTail(path: string): Promise<void> {
  const bytes = await readFile(path);
  const nBytes = wholeMessagesLength(bytes);
  if (nBytes === 0)
    throw new RangeError(`trace segment: expected a whole message, got ${bytes.length} bytes`);
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
  for (const stored of traceRowsOf(await readFile(path))) {
    const { outputs: _outputs, ...row } = stored;
    chunk.push({ ...row, value: headlineOf(stored), segment, offset: offset++ });
    if (chunk.length < CHUNK_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
