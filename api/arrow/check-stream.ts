/**
 * Whether bytes are an Arrow IPC stream that is as large as it says: flat columns whose buffers hold the rows that are announced.
 *
 * The library believes what a stream says of itself. A changed byte makes it loop over four billion fields, or hand out rows
 * that nobody sent; so every number is held against the bytes before the library sees them. Cost: O(columns + texts).
 *
 * Format: https://arrow.apache.org/docs/format/Columnar.html (Message.fbs, Schema.fbs).
 */
import { FlatTable } from "./flat-table.ts";

const CONTINUATION = -1;
const MAX_METADATA_BYTES = 4 * 2 ** 20;
const MAX_MESSAGES = 10_000;
const MAX_FIELDS = 10_000;
/** One entry of a dictionary may stand in every row, and is read there. */
const MAX_ENTRY_BYTES = 4_096;
/** Versions 4 and 5, counted from 0. */
const VERSIONS: readonly number[] = [3, 4];
const HEADER = { schema: 1, dictionary: 2, batch: 3 } as const;

/** What lies in the body for a column of one type. */
type Layout =
  | { readonly kind: "none" }
  | { readonly kind: "fixed"; readonly bits: number }
  | { readonly kind: "varied"; readonly offsetBytes: 4 | 8 };

interface Column {
  readonly layout: Layout;
  readonly dictionary?: bigint;
}

/** @throws {RangeError} what is wrong with it, in words */
export function checkArrowStream(bytes: Uint8Array): void {
  const checked = new CheckedStream();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let n = 0; at + 4 <= bytes.length; n++) {
    if (n > MAX_MESSAGES) throw new RangeError(`more than ${MAX_MESSAGES} messages`);
    let length = view.getInt32(at, true);
    at += 4;
    if (length === CONTINUATION) {
      if (at + 4 > bytes.length) break;
      length = view.getInt32(at, true);
      at += 4;
    }
    if (length === 0) break;
    if (length < 0 || length > MAX_METADATA_BYTES || at + length > bytes.length)
      throw new RangeError(`the head of message ${n}: its length is ${length} bytes`);
    const message = FlatTable.root(bytes.subarray(at, at + length));
    at += length;
    const bodyBytes = Number(message.int64(3));
    if (bodyBytes < 0 || at + bodyBytes > bytes.length)
      throw new RangeError(`the body of message ${n}: its length is ${bodyBytes} bytes`);
    checked.take(message, bytes.subarray(at, at + bodyBytes));
    at += bodyBytes;
  }
}

class CheckedStream {
  #columns: readonly Column[] | undefined;
  /** Dictionaries that came; `undefined`: announced. */
  readonly #dictionaries = new Map<bigint, { readonly layout: Layout; isThere: boolean }>();
  /** Names, and what is said beside columns: each may be named many times, and is read each time. */
  #textBytes = 0;
  #nFields = 0;

  take(message: FlatTable, body: Uint8Array): void {
    // Before version 4 buffers were written in another form.
    if (!VERSIONS.includes(message.int16(0))) throw new RangeError("expected version 4 or 5");
    this.#checkNotes(message, 4);
    const header = message.table(2);
    if (header === undefined) throw new RangeError("a message without a header");
    switch (message.uint8(1)) {
      case HEADER.schema:
        this.#takeSchema(header);
        return;
      case HEADER.dictionary:
        this.#takeDictionary(header, body);
        return;
      case HEADER.batch:
        if (this.#columns === undefined) throw new RangeError("rows before their columns");
        for (const { dictionary } of this.#columns)
          if (dictionary !== undefined && this.#dictionaries.get(dictionary)?.isThere !== true)
            throw new RangeError("a column whose dictionary is missing");
        checkBatch(header, body, this.#columns);
        return;
      default:
        throw new RangeError("a message of an unknown kind");
    }
  }

  #takeSchema(schema: FlatTable): void {
    if (this.#columns !== undefined) throw new RangeError("columns are announced twice");
    this.#checkNotes(schema, 2);
    // Features: nothing is done with them, but they are read.
    schema.structs(3, 1);
    this.#columns = schema.tables(1).map((field) => {
      this.#count(field.textBytes(0));
      this.#checkNotes(field, 6);
      if (field.tables(5).length > 0) throw new RangeError("expected flat columns");
      const layout = this.#layoutOf(field);
      const encoding = field.table(4);
      if (encoding === undefined) return { layout };
      const id = encoding.int64(0);
      if (!this.#dictionaries.has(id)) this.#dictionaries.set(id, { layout, isThere: false });
      const index = encoding.table(1);
      return { layout: { kind: "fixed", bits: index === undefined ? 32 : intBits(index) }, dictionary: id };
    });
  }

  #takeDictionary(header: FlatTable, body: Uint8Array): void {
    const dictionary = this.#dictionaries.get(header.int64(0));
    const data = header.table(1);
    if (dictionary === undefined || data === undefined) throw new RangeError("a dictionary of no column");
    checkBatch(data, body, [dictionary], MAX_ENTRY_BYTES);
    dictionary.isThere = true;
  }

  #layoutOf(field: FlatTable): Layout {
    const type = field.table(3);
    const kind = field.uint8(2);
    if (type === undefined) throw new RangeError("a column without a type");
    const layout = LAYOUTS[kind]?.(type);
    if (layout === undefined) throw new RangeError("expected columns of numbers, texts, switches and times");
    if (kind === TIMESTAMP) {
      const unit = type.int16(0);
      if (unit < 0 || unit > 3) throw new RangeError("a time of an unknown unit");
      // Its zone.
      this.#count(type.textBytes(1));
    }
    return layout;
  }

  #checkNotes(table: FlatTable, slot: number): void {
    for (const note of table.tables(slot)) this.#count(note.textBytes(0) + note.textBytes(1));
  }

  #count(textBytes: number): void {
    this.#textBytes += textBytes;
    this.#nFields += 1;
    if (this.#textBytes > MAX_METADATA_BYTES || this.#nFields > MAX_FIELDS)
      throw new RangeError(`expected at most ${MAX_FIELDS} columns and notes`);
  }
}

const TIMESTAMP = 10;
const fixed = (bits: number): Layout => ({ kind: "fixed", bits });

/** By the number of a type in Schema.fbs. */
const LAYOUTS: Readonly<Record<number, (type: FlatTable) => Layout>> = {
  1: () => ({ kind: "none" }),
  2: (type) => fixed(intBits(type)),
  3: (type) => fixed(16 << Math.min(2, Math.max(0, type.int16(0)))),
  4: () => ({ kind: "varied", offsetBytes: 4 }),
  5: () => ({ kind: "varied", offsetBytes: 4 }),
  6: () => fixed(1),
  7: (type) => fixed(type.int32(2, 128)),
  8: (type) => fixed(type.int16(0, 1) === 0 ? 32 : 64),
  9: (type) => fixed(type.int32(1, 32)),
  [TIMESTAMP]: () => fixed(64),
  18: () => fixed(64),
  19: () => ({ kind: "varied", offsetBytes: 8 }),
  20: () => ({ kind: "varied", offsetBytes: 8 }),
};

function intBits(type: FlatTable): number {
  const bits = type.int32(0);
  if (![8, 16, 32, 64].includes(bits)) throw new RangeError(`whole numbers of ${bits} bits`);
  return bits;
}

function checkBatch(
  batch: FlatTable,
  body: Uint8Array,
  columns: readonly Pick<Column, "layout">[],
  maxEntryBytes = Infinity,
): void {
  const nRows = Number(batch.int64(0));
  const nodes = batch.structs(1, 2);
  const buffers = batch.structs(2, 2).map(([offset = 0n, length = 0n]) => bufferOf(body, offset, length));
  if (batch.has(3)) throw new RangeError("expected no compression");
  if (batch.structs(4, 1).length > 0) throw new RangeError("expected no views");
  if (nRows < 0 || nodes.length !== columns.length)
    throw new RangeError(`${nodes.length} columns of ${nRows} rows: expected ${columns.length}`);
  let next = 0;
  columns.forEach(({ layout }, i) => {
    const [length, nNull = 0n] = nodes[i] ?? [];
    if (Number(length) !== nRows || nNull < 0n || nNull > nRows)
      throw new RangeError(`column ${i}: ${length} rows and ${nNull} nulls of ${nRows} rows`);
    if (layout.kind === "none") return;
    const validity = buffers[next++];
    if (nNull > 0n) require(validity, Math.ceil(nRows / 8), i);
    if (layout.kind === "fixed") require(buffers[next++], Math.ceil((nRows * layout.bits) / 8), i);
    else {
      const [offsets, texts] = [buffers[next++], buffers[next++]];
      if (nRows > 0) require(offsets, (nRows + 1) * layout.offsetBytes, i);
      checkOffsets(offsets, texts, { nRows, offsetBytes: layout.offsetBytes, maxEntryBytes });
    }
  });
  if (next !== buffers.length) throw new RangeError(`${buffers.length} buffers: expected ${next}`);
}

function bufferOf(body: Uint8Array, offset: bigint, length: bigint): Uint8Array {
  const [begin, end] = [Number(offset), Number(offset + length)];
  if (begin < 0 || begin % 8 !== 0 || length < 0n || end > body.length)
    throw new RangeError("a buffer outside of its message");
  return body.subarray(begin, end);
}

function require(buffer: Uint8Array | undefined, nBytes: number, column: number): void {
  if (buffer === undefined || buffer.length < nBytes)
    throw new RangeError(`column ${column}: expected ${nBytes} bytes, got ${buffer?.length ?? 0}`);
}

/** Each text ends where the next begins, and the last within what there is. */
function checkOffsets(
  offsets: Uint8Array | undefined,
  texts: Uint8Array | undefined,
  { nRows, offsetBytes, maxEntryBytes }: { nRows: number; offsetBytes: 4 | 8; maxEntryBytes: number },
): void {
  if (offsets === undefined || texts === undefined) throw new RangeError("texts without their buffers");
  if (nRows === 0) return;
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength);
  let before = 0;
  for (let i = 0; i <= nRows; i++) {
    const offset = offsetBytes === 4 ? view.getInt32(4 * i, true) : Number(view.getBigInt64(8 * i, true));
    if (offset < before || offset > texts.length || (i > 0 && offset - before > maxEntryBytes))
      throw new RangeError(`text ${i}: it ends at ${offset} of ${texts.length} bytes`);
    before = offset;
  }
}
