import { PREDICTION_ROLES } from "../../schemas/serving/prediction.ts";
import { BATCH_TABLE, batchLayout, PREFIX_BYTES, ROOT_TABLE } from "./arrow-batch.ts";
import type { BatchLayout } from "./arrow-batch.ts";
import type { TraceRow } from "./trace-row.ts";

/** What of a traced row the index needs, as it stands in a segment. */
export type StoredTraceRow = Omit<TraceRow, "atMicros" | "features" | "value"> & {
  /** ISO 8601, UTC, whole milliseconds. */
  readonly at: string;
};

/** First buffer of each column in a batch; texts have validity, offsets, data, numbers validity, data. */
const COLUMN = {
  predictionId: 0,
  requestId: 3,
  model: 6,
  version: 9,
  digest: 11,
  asset: 14,
  at: 17,
  actor: 19,
  features: 22,
  outputs: 26,
  t: 30,
  role: 32,
} as const;

/** Where a record batch lies in the bytes. */
interface BatchPlace {
  readonly metadata: number;
  readonly body: number;
  readonly layout: BatchLayout;
}

/**
 * Rows of a segment, in order: the counterpart of `encodeTraceBatch`.
 *
 * Segments hold thousands of batches of a few rows each, and a general Arrow reader spends some 0.1 ms on every
 * one; this one knows where everything is. It reads what this program wrote, nothing else.
 *
 * @param bytes  whole messages, as `wholeMessagesLength` measures them; what follows them is left aside
 */
export function* traceRowsOf(bytes: Buffer): Generator<StoredTraceRow> {
  for (const batch of batchesOf(bytes)) yield* rowsOfBatch(bytes, batch);
}

/**
 * Row of the input tensor of one stored prediction. Batches before it are stepped over, not decoded.
 *
 * @param rowNumber of the row in the segment, from 0, as the index has it
 * @returns undefined where that row is not of this prediction
 */
export function tracedFeatures(
  bytes: Buffer,
  { rowNumber, predictionId }: { readonly rowNumber: number; readonly predictionId: string },
): Float64Array | undefined {
  let first = 0;
  for (const { metadata, body, layout } of batchesOf(bytes)) {
    const nRows = bytes.readUIntLE(metadata + BATCH_TABLE + 8, 6);
    const row = rowNumber - first;
    first += nRows;
    if (row >= nRows) continue;
    const place = (buffer: number): number =>
      body + bytes.readUIntLE(metadata + layout.buffers + 4 + 16 * buffer, 6);
    const ids = place(COLUMN.predictionId + 1) + 4 * row;
    const texts = place(COLUMN.predictionId + 2);
    const id = bytes.toString("utf8", texts + bytes.readInt32LE(ids), texts + bytes.readInt32LE(ids + 4));
    if (id !== predictionId) return undefined;
    const offsets = place(COLUMN.features + 1) + 4 * row;
    return doubles(bytes, { offsets, data: place(COLUMN.features + 3) });
  }
  return undefined;
}

/** Where the metadata and the body of each record batch begin. */
function* batchesOf(bytes: Buffer): Generator<BatchPlace> {
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const metadataBytes = bytes.readInt32LE(at + 4);
    const body = at + PREFIX_BYTES + metadataBytes;
    if (bytes.readUInt32LE(at) !== 0xffffffff || metadataBytes <= 0 || body > bytes.length) return;
    // The first message is the schema, which has no body.
    const layout = at > 0 ? batchLayout(metadataBytes) : undefined;
    const nBytes = layout === undefined ? 0 : bytes.readUIntLE(at + PREFIX_BYTES + ROOT_TABLE + 8, 6);
    if (body + nBytes > bytes.length) return;
    if (layout !== undefined) yield { metadata: at + PREFIX_BYTES, body, layout };
    at = body + nBytes;
  }
}

function* rowsOfBatch(bytes: Buffer, { metadata, body, layout }: BatchPlace): Generator<StoredTraceRow> {
  const nRows = bytes.readUIntLE(metadata + BATCH_TABLE + 8, 6);
  const descriptor = (buffer: number): number => metadata + layout.buffers + 4 + 16 * buffer;
  const place = (buffer: number): number => body + bytes.readUIntLE(descriptor(buffer), 6);
  const text = (column: number, row: number): string => {
    const offsets = place(column + 1) + 4 * row;
    const data = place(column + 2);
    return bytes.toString("utf8", data + bytes.readInt32LE(offsets), data + bytes.readInt32LE(offsets + 4));
  };
  const isNull = (column: number, row: number): boolean =>
    bytes.readUIntLE(descriptor(column) + 8, 6) > 0 &&
    (bytes.readUInt8(place(column) + (row >> 3)) & (1 << (row & 7))) === 0;
  for (let row = 0; row < nRows; row++) {
    const micros = bytes.readBigInt64LE(place(COLUMN.at + 1) + 8 * row);
    yield {
      predictionId: text(COLUMN.predictionId, row),
      requestId: text(COLUMN.requestId, row),
      model: text(COLUMN.model, row),
      version: bytes.readInt32LE(place(COLUMN.version + 1) + 4 * row),
      digest: text(COLUMN.digest, row),
      asset: isNull(COLUMN.asset, row) ? null : text(COLUMN.asset, row),
      at: new Date(Number(micros) / 1_000).toISOString(),
      actor: text(COLUMN.actor, row),
      outputs: doubles(bytes, {
        offsets: place(COLUMN.outputs + 1) + 4 * row,
        data: place(COLUMN.outputs + 3),
      }),
      t: layout.hasRole && !isNull(COLUMN.t, row) ? bytes.readDoubleLE(place(COLUMN.t + 1) + 8 * row) : null,
      role: (layout.hasRole && PREDICTION_ROLES[bytes.readUInt8(place(COLUMN.role + 1) + row)]) || "answer",
    };
  }
}

function doubles(
  bytes: Buffer,
  { offsets, data }: { readonly offsets: number; readonly data: number },
): Float64Array {
  const start = bytes.readInt32LE(offsets);
  const length = bytes.readInt32LE(offsets + 4) - start;
  return Float64Array.from({ length }, (_, i) => bytes.readDoubleLE(data + 8 * (start + i)));
}
