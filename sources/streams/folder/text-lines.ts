import { MAX_LINE_BYTES } from "../../files/byte-stream.ts";

const LF = 10;

/**
 * Lines of a file in groups of one chunk, without blank ones; the last may lack its end. One that is longer than any reading
 * is cut, and what is left of it is no JSON: it is set aside like other bad lines, and the lines behind it are read.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let pending: Buffer = Buffer.alloc(0);
  let isSkipping = false;
  for await (const chunk of chunks) {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const lines: Buffer[] = [];
    let begin = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, begin)) {
      if (!isSkipping) add(lines, bytes.subarray(begin, end));
      isSkipping = false;
      begin = end + 1;
    }
    pending = Buffer.from(isSkipping ? [] : bytes.subarray(begin));
    if (pending.length > MAX_LINE_BYTES) {
      add(lines, pending.subarray(0, MAX_LINE_BYTES));
      pending = Buffer.alloc(0);
      isSkipping = true;
    }
    yield lines;
  }
  const last: Buffer[] = [];
  add(last, pending);
  yield last;
}

function add(lines: Buffer[], line: Buffer): void {
  if (line.some((byte) => byte !== 0x20 && byte !== 0x0d && byte !== 0x09)) lines.push(line);
}
