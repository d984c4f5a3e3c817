import { createReadStream } from "node:fs";
import { PlatformError } from "../schemas/platform-error.ts";

/** Lines of a file as their bytes are; blank ones are left out. */
export interface LineBatch {
  readonly lines: readonly Uint8Array[];
  /** Where each stood, from 1. */
  readonly lineNumbers: readonly number[];
}

const MOST_LINES = 1_000;
/** What one request may bring is 16 MiB. */
const MOST_BYTES = 8 * 2 ** 20;
const NEWLINE = 0x0a;

/**
 * Reads the lines of a file in batches; memory stays bounded.
 *
 * @param shown how the file is called in errors
 * @throws {PlatformError} bad_file: it cannot be read, or a line is longer than a request may be
 */
export async function* readLineBatches(path: string, shown: string): AsyncGenerator<LineBatch> {
  let lines: Uint8Array[] = [];
  let lineNumbers: number[] = [];
  let nBytes = 0;
  let number = 0;
  for await (const line of linesOf(path, shown)) {
    number++;
    if (isBlank(line)) continue;
    if (lines.length >= MOST_LINES || (lines.length > 0 && nBytes + line.length > MOST_BYTES)) {
      yield { lines, lineNumbers };
      [lines, lineNumbers, nBytes] = [[], [], 0];
    }
    lines.push(line);
    lineNumbers.push(number);
    nBytes += line.length + 1;
  }
  if (lines.length > 0) yield { lines, lineNumbers };
}

async function* linesOf(path: string, shown: string): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let begin = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, begin)) {
        yield bytes.subarray(begin, end);
        begin = end + 1;
      }
      rest = bytes.subarray(begin);
      if (rest.length > MOST_BYTES)
        throw new PlatformError("bad_file", `read ${shown}: expected lines of at most ${MOST_BYTES} bytes`);
    }
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    throw new PlatformError("bad_file", `read ${shown}: it cannot be read`, { cause });
  }
  if (rest.length > 0) yield rest;
}

/** As the API takes it: what has nothing else is no line. */
const isBlank = (line: Uint8Array): boolean =>
  line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
