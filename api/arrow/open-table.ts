import { tableFromIPC } from "apache-arrow";
import type { Table } from "apache-arrow";
import { PlatformError } from "../../schemas/platform-error.ts";
import { checkArrowStream } from "./check-stream.ts";

/** Media type of an Arrow IPC stream. */
export const ARROW_STREAM = "application/vnd.apache.arrow.stream";
/** Most rows of one body. */
export const MAX_ARROW_ROWS = 100_000;

/**
 * The table of an Arrow IPC stream that somebody sent.
 *
 * @param what  what is being read, for the refusal
 * @throws {PlatformError} invalid_body: no such stream, or not 1 to 100,000 rows
 */
export function openArrowTable(bytes: Uint8Array, what: string): Table {
  let table: Table;
  try {
    checkArrowStream(bytes);
    table = tableFromIPC(bytes);
  } catch (cause) {
    const why = cause instanceof RangeError ? `: ${cause.message}` : "";
    throw new PlatformError("invalid_body", `${what}: expected an Arrow IPC stream${why}`, { cause });
  }
  if (table.numRows >= 1 && table.numRows <= MAX_ARROW_ROWS) return table;
  throw new PlatformError(
    "invalid_body",
    `${what}: expected 1 to ${MAX_ARROW_ROWS} rows, got ${table.numRows}`,
  );
}
