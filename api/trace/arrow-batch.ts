import {
  Field,
  Float64,
  Int32,
  List,
  RecordBatchStreamWriter,
  Schema,
  TimestampMicrosecond,
  Uint8,
  Utf8,
} from "apache-arrow";
import { PREDICTION_ROLES } from "../../schemas/serving/prediction.ts";
import type { TraceRow } from "./trace-row.ts";

/**
 * Writes trace rows as Arrow IPC record batches of one fixed schema.
 *
 * The general writer of apache-arrow takes longer for a batch of a few rows than the model does. The schema
 * is fixed, so the metadata of a batch always has the same layout, and only counts, offsets and lengths
 * differ: they are put straight into their places. Any Arrow reader reads the result; the test uses one.
 *
 * Layout of one message (little-endian, every part a multiple of 8 bytes):
 *
 *   FFFFFFFF | metadata length | metadata: Message{V5, RecordBatch{length, nodes, buffers}, bodyLength} | body
 *
 * Columns, in order: predictionId, requestId, model, version, digest, asset (nullable), at (µs, UTC), actor,
 * features (list of double, NaN = missing), outputs (list of double), t (double, nullable: microseconds or cycle),
 * role (byte: place in `PREDICTION_ROLES`). Segments of earlier releases end with outputs.
 */

const text = (name: string, nullable = false): Field => new Field(name, new Utf8(), nullable);
const doubles = (name: string): Field =>
  new Field(name, new List(new Field("item", new Float64(), false)), false);

export const TRACE_SCHEMA = new Schema([
  text("predictionId"),
  text("requestId"),
  text("model"),
  new Field("version", new Int32(), false),
  text("digest"),
  text("asset", true),
  new Field("at", new TimestampMicrosecond("UTC"), false),
  text("actor"),
  doubles("features"),
  doubles("outputs"),
  new Field("t", new Float64(), true),
  new Field("role", new Uint8(), false),
]);

/** Mark of the end of a stream. */
export const END_OF_STREAM = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** First bytes of every segment: the schema message. */
export function schemaMessage(): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, TRACE_SCHEMA);
  writer.finish();
  const bytes = writer.toUint8Array(true);
  return bytes.slice(0, bytes.length - END_OF_STREAM.length);
}

const TEXTS_BEFORE_VERSION = ["predictionId", "requestId", "model"] as const;
/** 12 columns and the two children of the lists. */
const N_NODES = 14;
/** validity + offsets + data of 6 texts; validity + data of 4 numbers; (validity + offsets) + (validity + data) of 2 lists. */
const N_BUFFERS = 34;

export const ROOT_TABLE = 16;
export const BATCH_TABLE = 48;
const NODES = 68;
export const PREFIX_BYTES = 8;

/** Where the metadata of a batch has its buffers; known by its length, which no schema message of ours has. */
export interface BatchLayout {
  readonly buffers: number;
  readonly metadataBytes: number;
  /** `t` and `role` are there. */
  readonly hasRole: boolean;
}

function layoutOf(nNodes: number, nBuffers: number): BatchLayout {
  const buffers = NODES + 4 + 16 * nNodes + 4;
  return { buffers, metadataBytes: buffers + 4 + 16 * nBuffers, hasRole: nNodes === N_NODES };
}

const LAYOUT = layoutOf(N_NODES, N_BUFFERS);
const BUFFERS = LAYOUT.buffers;
const METADATA_BYTES = LAYOUT.metadataBytes;
/** Of segments that an earlier release left in the spool: without `t` and `role`. */
const FIRST_LAYOUT = layoutOf(12, 30);

/** Layout of a message that is a batch; undefined: it is something else. */
export function batchLayout(metadataBytes: number): BatchLayout | undefined {
  return [LAYOUT, FIRST_LAYOUT].find((layout) => layout.metadataBytes === metadataBytes);
}
const BODY = PREFIX_BYTES + METADATA_BYTES;

/** The parts of the metadata that never change; the flatbuffer is written out by hand. */
const TEMPLATE = ((): Buffer => {
  const b = Buffer.alloc(BODY);
  b.writeUInt32LE(0xffffffff, 0);
  b.writeInt32LE(METADATA_BYTES, 4);
  const m = b.subarray(PREFIX_BYTES);
  m.writeUInt32LE(ROOT_TABLE, 0);
  // vtable of Message at 4: size, table size, then version, header type, header, bodyLength
  [12, 20, 16, 18, 4, 8].forEach((v, i) => m.writeUInt16LE(v, 4 + 2 * i));
  m.writeInt32LE(ROOT_TABLE - 4, ROOT_TABLE);
  m.writeUInt32LE(BATCH_TABLE - (ROOT_TABLE + 4), ROOT_TABLE + 4);
  m.writeInt16LE(4, ROOT_TABLE + 16); // MetadataVersion.V5
  m.writeUInt8(3, ROOT_TABLE + 18); // MessageHeader.RecordBatch
  // vtable of RecordBatch at 36: size, table size, then length, nodes, buffers
  [10, 20, 8, 4, 16].forEach((v, i) => m.writeUInt16LE(v, 36 + 2 * i));
  m.writeInt32LE(BATCH_TABLE - 36, BATCH_TABLE);
  m.writeUInt32LE(NODES - (BATCH_TABLE + 4), BATCH_TABLE + 4);
  m.writeUInt32LE(BUFFERS - (BATCH_TABLE + 16), BATCH_TABLE + 16);
  m.writeUInt32LE(N_NODES, NODES);
  m.writeUInt32LE(N_BUFFERS, BUFFERS);
  return b;
})();

const padded = (nBytes: number): number => (nBytes + 7) & ~7;

/** One record batch message with the rows, in order. Cost: O(bytes), one allocation. */
export function encodeTraceBatch(rows: readonly TraceRow[]): Uint8Array {
  return new BatchWriter(rows).write();
}

class BatchWriter {
  private readonly rows: readonly TraceRow[];
  private readonly bytes: Buffer;
  private node = 0;
  private buffer = 0;
  /** End of the body so far. */
  private end = 0;

  constructor(rows: readonly TraceRow[]) {
    this.rows = rows;
    this.bytes = Buffer.alloc(BODY + bodyBound(rows));
    TEMPLATE.copy(this.bytes);
  }

  write(): Uint8Array {
    const { rows } = this;
    const n = rows.length;
    for (const name of TEXTS_BEFORE_VERSION) this.texts(rows.map((row) => row[name]));
    this.numbers((at, i) => this.bytes.writeInt32LE(rows[i]?.version ?? 0, at), 4);
    this.texts(rows.map((row) => row.digest));
    this.texts(rows.map((row) => row.asset));
    this.numbers((at, i) => this.bytes.writeBigInt64LE(BigInt(rows[i]?.atMicros ?? 0), at), 8);
    this.texts(rows.map((row) => row.actor));
    this.lists(rows.map((row) => row.features));
    this.lists(rows.map((row) => row.outputs));
    this.optionalNumbers(rows.map((row) => row.t));
    this.numbers((at, i) => this.bytes.writeUInt8(roleCode(rows[i]?.role), at), 1);
    this.int64(n, BATCH_TABLE + 8);
    this.int64(this.end, ROOT_TABLE + 8);
    return this.bytes.subarray(0, BODY + this.end);
  }

  private texts(values: readonly (string | null)[]): void {
    const nNull = values.reduce((n, value) => (value === null ? n + 1 : n), 0);
    this.addNode(values.length, nNull);
    this.validity(values, nNull);
    const offsets = this.addBuffer(4 * (values.length + 1));
    const start = BODY + this.end;
    let nBytes = 0;
    values.forEach((value, i) => {
      if (value !== null) nBytes += this.bytes.write(value, start + nBytes, "utf8");
      this.bytes.writeInt32LE(nBytes, offsets + 4 * (i + 1));
    });
    this.addBuffer(nBytes);
  }

  private validity(values: readonly unknown[], nNull: number): void {
    const at = this.addBuffer(nNull === 0 ? 0 : Math.ceil(values.length / 8));
    if (nNull === 0) return;
    values.forEach((value, i) => {
      const byte = at + (i >> 3);
      if (value !== null) this.bytes.writeUInt8(this.bytes.readUInt8(byte) | (1 << (i & 7)), byte);
    });
  }

  private numbers(write: (at: number, row: number) => void, width: number): void {
    const n = this.rows.length;
    this.addNode(n, 0);
    this.addBuffer(0);
    const at = this.addBuffer(n * width);
    for (let i = 0; i < n; i++) write(at + i * width, i);
  }

  private optionalNumbers(values: readonly (number | null)[]): void {
    const nNull = values.reduce<number>((n, value) => (value === null ? n + 1 : n), 0);
    this.addNode(values.length, nNull);
    this.validity(values, nNull);
    const at = this.addBuffer(8 * values.length);
    values.forEach((value, i) => this.bytes.writeDoubleLE(value ?? 0, at + 8 * i));
  }

  private lists(values: readonly Float64Array[]): void {
    this.addNode(values.length, 0);
    this.addBuffer(0);
    const offsets = this.addBuffer(4 * (values.length + 1));
    let nItems = 0;
    values.forEach((value, i) => {
      nItems += value.length;
      this.bytes.writeInt32LE(nItems, offsets + 4 * (i + 1));
    });
    this.addNode(nItems, 0);
    this.addBuffer(0);
    let at = this.addBuffer(8 * nItems);
    for (const value of values) {
      this.bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at);
      at += value.byteLength;
    }
  }

  private addNode(length: number, nNull: number): void {
    const at = NODES + 4 + 16 * this.node++;
    this.int64(length, at);
    this.int64(nNull, at + 8);
  }

  /** Next buffer of the body; returns its place in `bytes`. */
  private addBuffer(nBytes: number): number {
    const at = BUFFERS + 4 + 16 * this.buffer++;
    this.int64(this.end, at);
    this.int64(nBytes, at + 8);
    const place = BODY + this.end;
    this.end += padded(nBytes);
    return place;
  }

  /** Counts stay far below 2^48, and nearly always below 2^32: a batch has a hundred of them. */
  private int64(value: number, metadataAt: number): void {
    this.bytes.writeUInt32LE(value >>> 0, PREFIX_BYTES + metadataAt);
    if (value > 0xffffffff)
      this.bytes.writeUInt16LE(Math.floor(value / 2 ** 32), PREFIX_BYTES + metadataAt + 4);
  }
}

function roleCode(role: TraceRow["role"] = "answer"): number {
  return PREDICTION_ROLES.indexOf(role);
}

/** Upper bound of the body: texts take at most 3 bytes per UTF-16 unit. */
function bodyBound(rows: readonly TraceRow[]): number {
  let nBytes = N_BUFFERS * 8 + rows.length * (8 * 4 + 4 + 8 + 1 + 8 + 1 + 1) + 64;
  for (const row of rows) {
    const units =
      row.predictionId.length +
      row.requestId.length +
      row.model.length +
      row.digest.length +
      (row.asset?.length ?? 0) +
      row.actor.length;
    nBytes += 3 * units + row.features.byteLength + row.outputs.byteLength;
  }
  return nBytes;
}

/**
 * Length of the whole messages at the start of a segment, with the mark of its end where it has one: what a crash
 * left after it is a torn write. A segment that was closed is whole: cutting it would change its hash.
 */
export function wholeMessagesLength(bytes: Uint8Array): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + PREFIX_BYTES <= view.length && view.readUInt32LE(at) === 0xffffffff) {
    const metadataBytes = view.readInt32LE(at + 4);
    const isBatch = batchLayout(metadataBytes) !== undefined;
    if (metadataBytes === 0) return at + END_OF_STREAM.length;
    if (metadataBytes < 0 || at + PREFIX_BYTES + metadataBytes > view.length) break;
    // The schema message has no body; every other message here is one of ours.
    const bodyBytes = isBatch && at > 0 ? view.readUIntLE(at + PREFIX_BYTES + ROOT_TABLE + 8, 6) : 0;
    const next = at + PREFIX_BYTES + metadataBytes + bodyBytes;
    if (next > view.length) break;
    at = next;
  }
  return at;
}
