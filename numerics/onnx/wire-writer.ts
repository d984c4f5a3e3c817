/**
 * Writes protobuf's wire format: the four field forms that ONNX files need. Fields appear in call
 * order and nothing is optional or cached, so equal calls give equal bytes on every release.
 *
 * Source: protobuf.dev, "Encoding".
 */

/** One message under construction. */
export class WireWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Unsigned or signed 64-bit varint field, for integers a double holds exactly. */
  integer(field: number, value: number): this {
    this.#tag(field, 0);
    this.#varint(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** Length-delimited field: text, bytes or a finished message. */
  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  message(field: number, value: WireWriter): this {
    return this.bytes(field, value.finish());
  }

  /** Repeated integers in one length-delimited field. */
  packedIntegers(field: number, values: Iterable<number>): this {
    const packed = new WireWriter();
    for (const value of values) packed.#varint(value);
    return this.bytes(field, packed.finish());
  }

  /** The bytes written so far; a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`a varint must be a safe integer, got ${value}`);
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    if (value >= 0 && value < 0x80) {
      this.#bytes[this.#length++] = value;
      return;
    }
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(nBytes: number): void {
    if (this.#length + nBytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + nBytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
