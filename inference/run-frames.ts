/**
 * Rows to an inference child and its answers, as frames over a pipe of their own.
 *
 * Node's IPC serialises every message with v8, copies it twice and wakes a JSON-capable reader: 18 µs of each process
 * for a small batch, 46 µs there and back. A frame is a header and the doubles as they lie in memory: 10 µs, and
 * 22 µs there and back. One request is in flight at a time, so a frame is answered before the next is sent.
 *
 *   run   | bytes u32 | id u32 | rows u32    | key bytes u32 | doubles, row-major | key, UTF-8 |
 *   ran   | bytes u32 | id u32 | outputs u32 | rows u32      | doubles, row-major |
 *
 * `bytes` counts the whole frame. Both ends run on one machine: numbers are in its own byte order.
 */

const HEADER_BYTES = 16;
const WORDS = HEADER_BYTES / 4;
/** Nothing that is asked for is larger; a frame that says so comes from a child that has lost its mind. */
const MAX_FRAME_BYTES = 2 ** 30;

export interface RunRequest {
  readonly id: number;
  readonly key: string;
  /** Pieces of one row-major matrix (nRows × nFeatures), NaN = missing. */
  readonly pieces: readonly Float64Array[];
  readonly nRows: number;
}

export interface RunAnswer {
  readonly id: number;
  readonly nRows: number;
  readonly nOutputs: number;
  /** Row-major (nRows × nOutputs). */
  readonly values: Float64Array;
}

/** @throws {RangeError} for more than 1 GiB */
export function encodeRun({ id, key, pieces, nRows }: RunRequest): Uint8Array {
  const name = Buffer.from(key);
  let nValues = 0;
  for (const piece of pieces) nValues += piece.length;
  const frame = newFrame(nValues * 8 + name.length, [id, nRows, name.length]);
  const values = new Float64Array(frame.buffer, HEADER_BYTES, nValues);
  let at = 0;
  for (const piece of pieces) {
    values.set(piece, at);
    at += piece.length;
  }
  frame.set(name, HEADER_BYTES + nValues * 8);
  return frame;
}

export function decodeRun(frame: Uint8Array<ArrayBuffer>): RunRequest {
  const [, id = 0, nRows = 0, nameBytes = 0] = headerOf(frame);
  const end = frame.length - nameBytes;
  const key = Buffer.from(frame.buffer, end, nameBytes).toString("utf8");
  return { id, key, nRows, pieces: [new Float64Array(frame.buffer, HEADER_BYTES, (end - HEADER_BYTES) / 8)] };
}

export function encodeAnswer({ id, nRows, nOutputs, values }: RunAnswer): Uint8Array {
  const frame = newFrame(values.byteLength, [id, nOutputs, nRows]);
  new Float64Array(frame.buffer, HEADER_BYTES).set(values);
  return frame;
}

/** @throws {RangeError} when the frame has not the doubles that it announces */
export function decodeAnswer(frame: Uint8Array<ArrayBuffer>): RunAnswer {
  const [nBytes = 0, id = 0, nOutputs = 0, nRows = 0] = headerOf(frame);
  if (nBytes !== HEADER_BYTES + 8 * nRows * nOutputs)
    throw new RangeError(`answer frame: expected ${nRows} × ${nOutputs} doubles, got ${nBytes} bytes`);
  return { id, nRows, nOutputs, values: new Float64Array(frame.buffer, HEADER_BYTES) };
}

function newFrame(nBodyBytes: number, fields: readonly number[]): Uint8Array<ArrayBuffer> {
  const nBytes = HEADER_BYTES + nBodyBytes;
  if (nBytes > MAX_FRAME_BYTES) throw new RangeError(`frame: expected at most 1 GiB, got ${nBytes} bytes`);
  const frame = new Uint8Array(nBytes);
  const header = headerOf(frame);
  header[0] = nBytes;
  header.set(fields, 1);
  return frame;
}

function headerOf(frame: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(frame.buffer, 0, WORDS);
}

/** Puts the chunks of a pipe together to frames, each in memory of its own, so that its doubles are aligned. */
export class FrameReader {
  private readonly onFrame: (frame: Uint8Array<ArrayBuffer>) => void;
  private readonly header = new Uint8Array(4);
  private nHeaderBytes = 0;
  private frame: Uint8Array<ArrayBuffer> | undefined;
  private nBytes = 0;

  constructor(onFrame: (frame: Uint8Array<ArrayBuffer>) => void) {
    this.onFrame = onFrame;
  }

  /** @throws {RangeError} for a frame that is shorter than its header, or longer than 1 GiB */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.frame === undefined) at = this.begin(chunk, at);
      if (this.frame === undefined) return;
      const n = Math.min(chunk.length - at, this.frame.length - this.nBytes);
      this.frame.set(at === 0 && n === chunk.length ? chunk : chunk.subarray(at, at + n), this.nBytes);
      this.nBytes += n;
      at += n;
      if (this.nBytes < this.frame.length) return;
      const whole = this.frame;
      this.frame = undefined;
      this.onFrame(whole);
    }
  }

  /** Reads the length of the next frame. @returns index after what was read of it */
  private begin(chunk: Uint8Array, at: number): number {
    while (this.nHeaderBytes < 4 && at < chunk.length) this.header[this.nHeaderBytes++] = chunk[at++] ?? 0;
    if (this.nHeaderBytes < 4) return at;
    this.nHeaderBytes = 0;
    const [length = 0] = new Uint32Array(this.header.buffer);
    if (length < HEADER_BYTES || length > MAX_FRAME_BYTES)
      throw new RangeError(`frame: expected 16 bytes to 1 GiB, got ${length}`);
    this.frame = new Uint8Array(length);
    this.frame.set(this.header);
    this.nBytes = 4;
    return at;
  }
}
