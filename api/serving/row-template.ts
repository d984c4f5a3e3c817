import type { Signature } from "../../schemas/models/model-version.ts";
import type { EncodedRows } from "./predictor.ts";

/**
 * Reads the rows of a JSON body straight into the input tensor.
 *
 * Clients send the same fields in the same order again and again. A template holds the bytes of that order's
 * keys; a body that follows it needs no object, no boxed number and no look-up by name, and costs a fifth of
 * parsing it. Whatever differs in any way (another order, an escape, a text, a stranger, a second `rows`)
 * makes `read` and `openRowsBody` give up with undefined, and the strict reader decides. They accept a subset of
 * what it accepts, with the same meaning; a property test holds the two equal.
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const LARGE_E = 0x45;
const SMALL_E = 0x65;

/** Whole numbers of so many digits are exact in a double, and so is their quotient by a power of ten up to 10^22. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const MODEL_KEY = text('"model"');
const ROWS_KEY = text('"rows"');
const NULL = text("null");
/** Doubles in one slab: it stays as long as any of its rows. */
const SLAB_VALUES = 4_096;
/** Bodies may differ in their order of fields; each new one is learnt, but not with every request. */
const LEARN_EVERY = 16;

/** Where the rows of a plain body begin, and the model it names. */
export interface PlainBody {
  readonly model: string | undefined;
  /** Index of the byte after the `[` of `"rows": [`. */
  readonly rowsAt: number;
}

/** Opens `{"rows": [` or `{"model": "name", "rows": [`; undefined for every other body. */
export function openRowsBody(bytes: Uint8Array): PlainBody | undefined {
  let model: string | undefined;
  let at = expectByte(bytes, 0, 0x7b);
  if (at < 0) return undefined;
  at = skipSpace(bytes, at);
  const afterModel = expectKey(bytes, at, MODEL_KEY);
  if (afterModel >= 0) {
    const start = skipSpace(bytes, afterModel);
    const end = endOfName(bytes, start);
    if (end < 0) return undefined;
    model = nameAt(bytes, start + 1, end);
    at = expectByte(bytes, end + 1, COMMA);
    if (at < 0) return undefined;
    at = skipSpace(bytes, at);
  }
  at = expectKey(bytes, at, ROWS_KEY);
  at = at < 0 ? at : expectByte(bytes, at, 0x5b);
  return at < 0 ? undefined : { model, rowsAt: at };
}

/** The order of fields that the clients of one version use. */
export class RowTemplate {
  private readonly inputs: Signature["inputs"];
  private readonly columns: ReadonlyMap<string, number>;
  private readonly isNullable: readonly boolean[];
  /** Keys with their quotes, in the order of the body; undefined: rows of this signature are never plain. */
  private keys: readonly Uint8Array[] | undefined;
  /** Column of each key, −1 for a number that the signature does not ask for. */
  private targets: Int32Array = new Int32Array(0);
  private nSeen = 0;
  private slab = new Float64Array(0);
  private slabUsed = 0;

  constructor(signature: Signature) {
    this.inputs = signature.inputs;
    this.columns = new Map(signature.inputs.map(({ name }, i) => [name, i]));
    this.isNullable = signature.inputs.map(({ nullable }) => nullable);
    if (signature.inputs.every(({ kind }) => kind === "number")) this.use([...this.columns.keys()]);
  }

  /** Takes over the order of a row that the strict reader had to read. */
  learn(row: Readonly<Record<string, unknown>>): void {
    if (this.keys === undefined || this.nSeen++ % LEARN_EVERY !== 0) return;
    const names = Object.keys(row);
    if (names.length <= 4 * this.inputs.length && this.inputs.every(({ name }) => Object.hasOwn(row, name)))
      this.use(names);
  }

  /**
   * @param at  as `openRowsBody` found it
   * @returns undefined when any byte of the rows, or of what follows them, is not as expected
   */
  read(bytes: Uint8Array, at: number, maxRows: number): EncodedRows | undefined {
    if (this.keys === undefined) return undefined;
    const nFeatures = this.inputs.length;
    let rows = this.newRow();
    for (let nRows = 0; nRows < maxRows;) {
      if (rows.length < (nRows + 1) * nFeatures) rows = grown(rows);
      at = this.readRow(
        bytes,
        at,
        nRows === 0 ? rows : rows.subarray(nRows * nFeatures, (nRows + 1) * nFeatures),
      );
      if (at < 0) return undefined;
      nRows++;
      at = skipSpace(bytes, at);
      if (bytes[at] === COMMA) {
        at++;
        continue;
      }
      at = expectByte(bytes, at, 0x5d);
      at = at < 0 ? at : expectByte(bytes, at, 0x7d);
      if (at < 0 || skipSpace(bytes, at) !== bytes.length) return undefined;
      return { rows: rows.length === nRows * nFeatures ? rows : rows.slice(0, nRows * nFeatures), nRows };
    }
    return undefined;
  }

  /** Room for one row out of a slab: memory for each row alone would cost more than reading it. */
  private newRow(): Float64Array<ArrayBuffer> {
    const nFeatures = this.inputs.length;
    if (this.slab.length < this.slabUsed + nFeatures) {
      this.slab = new Float64Array(Math.max(nFeatures, SLAB_VALUES));
      this.slabUsed = 0;
    }
    return this.slab.subarray(this.slabUsed, (this.slabUsed += nFeatures));
  }

  private use(names: readonly string[]): void {
    this.keys = names.map((name) => text(JSON.stringify(name)));
    this.targets = Int32Array.from(names, (name) => this.columns.get(name) ?? -1);
  }

  /** @returns index after the row's `}`, or −1 */
  private readRow(bytes: Uint8Array, start: number, out: Float64Array): number {
    const { keys, targets } = this;
    if (keys === undefined || keys.length === 0) return -1;
    let at = expectByte(bytes, start, 0x7b);
    for (let i = 0; i < keys.length && at >= 0; i++) {
      if (i > 0) at = expectByte(bytes, at, COMMA);
      if (at < 0) return -1;
      at = expectKey(bytes, skipSpace(bytes, at), keys[i] ?? NULL);
      if (at < 0) return -1;
      at = this.readValue(bytes, skipSpace(bytes, at), { column: targets[i] ?? -1, out });
    }
    return at < 0 ? -1 : expectByte(bytes, at, 0x7d);
  }

  private readValue(
    bytes: Uint8Array,
    at: number,
    { column, out }: { readonly column: number; readonly out: Float64Array },
  ): number {
    if (bytes[at] === NULL[0]) {
      const end = column >= 0 && this.isNullable[column] === true ? expectBytes(bytes, at, NULL) : -1;
      if (end >= 0) out[column] = NaN;
      return end;
    }
    const end = readNumber(bytes, at);
    if (end >= 0 && column >= 0) out[column] = numberRead;
    return end;
  }
}

function grown(rows: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(rows.length * 2);
  larger.set(rows);
  return larger;
}

/** Value of the last number read: a second return value without an object. */
let numberRead = 0;

/** Reads a JSON number of finite value into `numberRead`. @returns index after it, or −1 */
function readNumber(bytes: Uint8Array, start: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  let at = first;
  let digits = 0;
  let byte = bytes[at] ?? 0;
  for (; byte >= ZERO && byte <= NINE; byte = bytes[++at] ?? 0) digits = digits * 10 + (byte - ZERO);
  const nWhole = at - first;
  if (nWhole === 0 || (nWhole > 1 && bytes[first] === ZERO)) return -1;
  let nPlaces = 0;
  if (byte === POINT) {
    const point = at;
    byte = bytes[++at] ?? 0;
    for (; byte >= ZERO && byte <= NINE; byte = bytes[++at] ?? 0) digits = digits * 10 + (byte - ZERO);
    nPlaces = at - point - 1;
    if (nPlaces === 0) return -1;
  }
  if (nWhole + nPlaces > EXACT_DIGITS || byte === SMALL_E || byte === LARGE_E) {
    return readLongNumber(bytes, start, at);
  }
  const value = nPlaces === 0 ? digits : digits / (POWERS_OF_TEN[nPlaces] ?? NaN);
  numberRead = isNegative ? -value : value;
  return at;
}

/** Numbers with an exponent or more digits than a double holds exactly: the engine's own reader rounds them. */
function readLongNumber(bytes: Uint8Array, start: number, endOfDigits: number): number {
  let at = endOfDigits;
  if (bytes[at] === SMALL_E || bytes[at] === LARGE_E) {
    at++;
    if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
    const first = at;
    for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[++at] ?? 0);
    if (at === first) return -1;
  }
  numberRead = Number(latin1(bytes, start, at));
  return Number.isFinite(numberRead) ? at : -1;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", start, end);
}

function skipSpace(bytes: Uint8Array, at: number): number {
  let byte = bytes[at] ?? 0;
  while (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at] ?? 0;
  return at;
}

/** Skips white space and one byte. @returns index after it, or −1 when another byte is there */
function expectByte(bytes: Uint8Array, at: number, wanted: number): number {
  if (bytes[at] === wanted) return at + 1;
  const next = skipSpace(bytes, at);
  return bytes[next] === wanted ? next + 1 : -1;
}

function expectBytes(bytes: Uint8Array, at: number, wanted: Uint8Array): number {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return -1;
  return at + wanted.length;
}

/** A key with its quotes and the colon after it. */
function expectKey(bytes: Uint8Array, at: number, key: Uint8Array): number {
  const end = expectBytes(bytes, at, key);
  return end < 0 ? -1 : expectByte(bytes, end, COLON);
}

/** Longest name of a model. */
const MAX_NAME = 64;

let lastName = "";
let lastNameBytes: Uint8Array = new Uint8Array(0);

/** One model is asked for again and again: its name is not made anew each time. */
function nameAt(bytes: Uint8Array, start: number, end: number): string {
  if (end - start !== lastNameBytes.length || expectBytes(bytes, start, lastNameBytes) < 0) {
    lastName = latin1(bytes, start, end);
    lastNameBytes = text(lastName);
  }
  return lastName;
}

/** Index of the closing quote of a model's name; −1 for anything but `"[a-z0-9][a-z0-9._-]{0,63}"`. */
function endOfName(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== QUOTE) return -1;
  for (let at = start + 1; at <= start + 1 + MAX_NAME; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at > start + 1 ? at : -1;
    const isAlphanumeric = (byte >= 0x61 && byte <= 0x7a) || (byte >= ZERO && byte <= NINE);
    const isMark = byte === MINUS || byte === POINT || byte === 0x5f;
    if (!isAlphanumeric && !(isMark && at > start + 1)) return -1;
  }
  return -1;
}
