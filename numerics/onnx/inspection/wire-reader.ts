/**
 * Reads protobuf's wire format from bytes nobody vouches for. Stricter than protobuf itself, because a
 * file that two parsers read differently could pass here and do harm there: unknown fields, fields of
 * another wire type, groups, and singular fields given twice (which protobuf merges) are all refused.
 *
 * Nothing is allocated per field, and nothing recurses: a message inside a message is handed out as a
 * range of bytes for the caller to read in its turn.
 */
import { ModelRefusedError } from "./model-refused-error.ts";

/** How a field is stored. `integers` and `reals*` are repeated, packed or not. */
export type FieldKind =
  | "integer"
  | "integers"
  | "real32"
  | "reals32"
  | "reals64"
  | "text"
  | "texts"
  | "bytes"
  | "message"
  | "messages";

/** Fields of one message, by number. */
export type MessageShape = Readonly<Record<number, { readonly name: string; readonly kind: FieldKind }>>;

/** One occurrence of a field: a number, or the range `[begin, end)` of its bytes. */
export interface WireField {
  number: number;
  name: string;
  /** Integer value, where it is one. */
  value: number;
  begin: number;
  end: number;
}

/** A range of the file. */
export interface WireRange {
  readonly begin: number;
  readonly end: number;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Wire types that a kind may have: the first as a single value, the second packed. */
const WIRE_TYPES: Readonly<Record<FieldKind, readonly number[]>> = {
  integer: [VARINT],
  integers: [VARINT, DELIMITED],
  real32: [FIXED32],
  reals32: [FIXED32, DELIMITED],
  reals64: [FIXED64, DELIMITED],
  text: [DELIMITED],
  texts: [DELIMITED],
  bytes: [DELIMITED],
  message: [DELIMITED],
  messages: [DELIMITED],
};

const REPEATED: ReadonlySet<FieldKind> = new Set(["integers", "reals32", "reals64", "texts", "messages"]);

/** Reads messages of one file. */
export class WireReader {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /**
   * Calls `visit` for each field of the message in `range`, in order. The field object is reused
   * by later fields of this message, not by messages read inside `visit`.
   *
   * @param what names the message in errors
   * @throws {ModelRefusedError} for anything but the fields of `shape`
   */
  readMessage(range: WireRange, shape: MessageShape, what: string, visit: (field: WireField) => void): void {
    const seen = new Set<number>();
    const field: WireField = { number: 0, name: "", value: 0, begin: 0, end: 0 };
    let at = range.begin;
    while (at < range.end) {
      this.#at = at;
      const tag = this.#readVarint(range.end, what);
      const number = Math.floor(tag / 8);
      const known = Object.hasOwn(shape, number) ? shape[number] : undefined;
      if (known === undefined) throw new ModelRefusedError(`${what} has an unknown field ${number}`);
      const wireType = tag % 8;
      if (!WIRE_TYPES[known.kind].includes(wireType)) {
        throw new ModelRefusedError(`${what}.${known.name} has wire type ${wireType}`);
      }
      if (!REPEATED.has(known.kind)) {
        if (seen.has(number)) throw new ModelRefusedError(`${what}.${known.name} is given twice`);
        seen.add(number);
      }
      field.number = number;
      field.name = known.name;
      this.#readValue(wireType, range.end, what, field);
      at = field.end;
      visit(field);
    }
  }

  /** How many numbers a field of a repeated kind holds. */
  countNumbers(field: WireField, kind: FieldKind): number {
    if (kind === "reals32") return (field.end - field.begin) / 4;
    if (kind === "reals64") return (field.end - field.begin) / 8;
    let count = 0;
    // Each varint ends with the one byte whose top bit is clear.
    for (let at = field.begin; at < field.end; at++) if (this.bytes[at] < 0x80) count += 1;
    return count;
  }

  /** Calls `visit` for each integer of an `integers` field, packed or single. */
  readIntegers(field: WireField, what: string, visit: (value: number) => void): void {
    this.#at = field.begin;
    while (this.#at < field.end) visit(this.#readVarint(field.end, what));
  }

  /** @throws {ModelRefusedError} when longer than `maxBytes` or not UTF-8 */
  readText(field: WireRange, what: string, maxBytes: number): string {
    if (field.end - field.begin > maxBytes) {
      throw new ModelRefusedError(`${what} is longer than ${maxBytes} bytes [${field.end - field.begin}]`);
    }
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        this.bytes.subarray(field.begin, field.end),
      );
    } catch {
      throw new ModelRefusedError(`${what} is not UTF-8`);
    }
  }

  #readValue(wireType: number, end: number, what: string, field: WireField): void {
    field.begin = this.#at;
    field.value = 0;
    if (wireType === VARINT) field.value = this.#readVarint(end, what);
    else if (wireType === FIXED64) this.#at += 8;
    else if (wireType === FIXED32) this.#at += 4;
    else {
      const length = this.#readVarint(end, what);
      if (length < 0) throw new ModelRefusedError(`${what} has a negative length`);
      field.begin = this.#at;
      this.#at += length;
    }
    field.end = this.#at;
    if (field.end > end) throw new ModelRefusedError(`${what} is cut short at byte ${field.begin}`);
  }

  /** Signed 64-bit varint, rounded to a double beyond 2⁵³. */
  #readVarint(end: number, what: string): number {
    const begin = this.#at;
    let value = 0;
    let factor = 1;
    for (let nBytes = 1; nBytes <= 10; nBytes++) {
      if (this.#at >= end) throw new ModelRefusedError(`${what} is cut short at byte ${this.#at}`);
      const byte = this.bytes[this.#at++];
      value += (byte & 0x7f) * factor;
      factor *= 128;
      // Seven bytes are 49 bits, which a double adds exactly; −1 takes ten.
      if (byte < 0x80) return nBytes <= 7 ? value : this.#readLongVarint(begin);
    }
    throw new ModelRefusedError(`${what} has a number longer than 10 bytes at byte ${begin}`);
  }

  #readLongVarint(begin: number): number {
    let value = 0n;
    for (let at = this.#at - 1; at >= begin; at--) value = (value << 7n) | BigInt(this.bytes[at] & 0x7f);
    return Number(BigInt.asIntN(64, value));
  }
}
