/**
 * Readings in PostgreSQL's binary COPY format: numbers go over as they lie in memory, and no text is written or parsed.
 *
 * Format: https://www.postgresql.org/docs/current/sql-copy.html (binary), arrays as `array_recv` takes them.
 */
import type { ReadingRow } from "../../port/live.ts";

/** Columns of `aura.readings` in the order they are written. */
export const READING_COLUMNS =
  "batch_id, ts, series_key, epoch, seq, month, schema_version, row_values" as const;

const SIGNATURE = Buffer.from("PGCOPY\n\u00ff\r\n\0", "latin1");
const N_COLUMNS = 8;
const FLOAT8_OID = 701;
/** Fields and lengths of one row without its values. */
const FIXED_BYTES = 2 + (4 + 8) + (4 + 8) + 4 * (4 + 4) + (4 + 4) + 4 + 20;
const CHUNK_BYTES = 1 << 18;

/** The rows of one batch as chunks of a COPY stream, without header and trailer. */
export interface EncodedBatch {
  readonly batchId: number;
  readonly schemaVersion: number;
  readonly rows: Iterable<ReadingRow>;
}

/** The whole stream of several batches. */
export async function* encodeReadings(batches: Iterable<EncodedBatch>): AsyncGenerator<Buffer> {
  const head = Buffer.alloc(SIGNATURE.length + 8);
  SIGNATURE.copy(head);
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let used = head.copy(chunk);
  for (const { batchId, schemaVersion, rows } of batches) {
    for (const row of rows) {
      const bytes = FIXED_BYTES + 12 * row.values.length;
      if (used + bytes > chunk.length) {
        yield chunk.subarray(0, used);
        chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes));
        used = 0;
      }
      used = writeRow(chunk, used, { row, batchId, schemaVersion });
    }
  }
  yield chunk.subarray(0, used);
  yield Buffer.from([0xff, 0xff]);
}

function writeRow(
  out: Buffer,
  start: number,
  {
    row,
    batchId,
    schemaVersion,
  }: { readonly row: ReadingRow; readonly batchId: number; readonly schemaVersion: number },
): number {
  let at = out.writeInt16BE(N_COLUMNS, start);
  at = writeInt8(out, at, batchId);
  at = writeInt8(out, at, row.ts);
  at = writeInt4(out, at, row.seriesKey);
  at = writeInt4(out, at, row.epoch);
  at = writeInt4(out, at, row.seq);
  at = writeInt4(out, at, row.month);
  at = writeInt4(out, at, schemaVersion);
  return writeDoubles(out, at, row.values);
}

function writeInt4(out: Buffer, at: number, value: number): number {
  return out.writeInt32BE(value, out.writeInt32BE(4, at));
}

/** A safe integer as 64 bits, without the detour over BigInt. */
function writeInt8(out: Buffer, at: number, value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return out.writeUInt32BE(value - high * 2 ** 32, out.writeInt32BE(high, out.writeInt32BE(8, at)));
}

/** One dimension from 1 on; NaN is NULL. */
function writeDoubles(out: Buffer, start: number, values: readonly number[]): number {
  let at = out.writeInt32BE(1, start + 4);
  at = out.writeInt32BE(1, at);
  at = out.writeInt32BE(FLOAT8_OID, at);
  at = out.writeInt32BE(values.length, at);
  at = out.writeInt32BE(1, at);
  for (const value of values) {
    if (Number.isNaN(value)) at = out.writeInt32BE(-1, at);
    else at = out.writeDoubleBE(value, out.writeInt32BE(8, at));
  }
  out.writeInt32BE(at - start - 4, start);
  return at;
}
