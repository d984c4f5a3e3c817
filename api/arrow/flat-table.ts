/**
 * A look into the tables of a flatbuffer that never leaves its bytes. Readers that are generated trust every offset and every
 * length; of what strangers send none may be.
 *
 * Format: https://flatbuffers.dev/internals. Slots are counted from 0 in the order of the schema.
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #slots: number;
  readonly #nSlots: number;

  /** @throws {RangeError} here and in all methods: something leads outside */
  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#slots = at - view.getInt32(at, true);
    this.#nSlots = (view.getUint16(this.#slots, true) >> 1) - 2;
  }

  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getUint32(0, true));
  }

  has(slot: number): boolean {
    return this.#place(slot) !== undefined;
  }

  uint8(slot: number): number {
    const place = this.#place(slot);
    return place === undefined ? 0 : this.#view.getUint8(place);
  }

  int16(slot: number, fallback = 0): number {
    const place = this.#place(slot);
    return place === undefined ? fallback : this.#view.getInt16(place, true);
  }

  int32(slot: number, fallback = 0): number {
    const place = this.#place(slot);
    return place === undefined ? fallback : this.#view.getInt32(place, true);
  }

  int64(slot: number): bigint {
    const place = this.#place(slot);
    return place === undefined ? 0n : this.#view.getBigInt64(place, true);
  }

  table(slot: number): FlatTable | undefined {
    const place = this.#place(slot);
    return place === undefined ? undefined : this.#tableAt(place);
  }

  /** Bytes of a text; 0: there is none. */
  textBytes(slot: number): number {
    return this.#vector(slot, 1).length;
  }

  tables(slot: number): FlatTable[] {
    const { begin, length } = this.#vector(slot, 4);
    return Array.from({ length }, (_, i) => this.#tableAt(begin + 4 * i));
  }

  /** Structs of whole numbers of 64 bits, `nNumbers` each. */
  structs(slot: number, nNumbers: number): bigint[][] {
    const { begin, length } = this.#vector(slot, 8 * nNumbers);
    return Array.from({ length }, (_, i) =>
      Array.from({ length: nNumbers }, (_number, k) =>
        this.#view.getBigInt64(begin + 8 * (i * nNumbers + k), true),
      ),
    );
  }

  #place(slot: number): number | undefined {
    if (slot >= this.#nSlots) return undefined;
    const offset = this.#view.getUint16(this.#slots + 4 + 2 * slot, true);
    return offset === 0 ? undefined : this.#at + offset;
  }

  #tableAt(place: number): FlatTable {
    return new FlatTable(this.#view, place + this.#view.getUint32(place, true));
  }

  #vector(slot: number, bytesEach: number): { readonly begin: number; readonly length: number } {
    const place = this.#place(slot);
    if (place === undefined) return { begin: 0, length: 0 };
    const start = place + this.#view.getUint32(place, true);
    const length = this.#view.getUint32(start, true);
    if (start + 4 + length * bytesEach > this.#view.byteLength)
      throw new RangeError("vector: it is longer than what holds it");
    return { begin: start + 4, length };
  }
}
