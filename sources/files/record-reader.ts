/**
 * Reads records of delimited text that need not be regular: quotes as in RFC 4180 (doubled inside, line ends
 * allowed), whitespace as delimiter, mixed line ends, blank lines (skipped), rows that do not parse (kept, with
 * their line and reason).
 *
 * A quote that is never closed would swallow the rest of the file. It is given up at the line limit or at the end:
 * only the line in which it opened is bad, and reading goes on behind it.
 */
import { MAX_LINE_BYTES } from "./byte-stream.ts";
import { tooLong } from "./plain-scan.ts";

/** A record, or a line that is none. */
export interface TextRecord {
  /** 1-based line in which it begins. */
  readonly line: number;
  readonly fields?: readonly string[];
  /** Why there are no fields. */
  readonly fault?: string;
  readonly text: string;
}

export interface Dialect {
  readonly name: string;
  readonly delimiter: "," | ";" | "\t" | "|" | "whitespace";
}

interface Fault {
  readonly fault: string;
}
const UNCLOSED: Fault = { fault: "a quote that is not closed" };

const LF = 10;
const CR = 13;
const QUOTE = 34;

/** Yields records in batches of one chunk. Memory: one chunk and the longest record. */
export async function* readRecords(
  chunks: AsyncIterable<Buffer>,
  dialect: Dialect,
): AsyncGenerator<TextRecord[]> {
  const splitter = new Splitter(dialect);
  let pending: Buffer = Buffer.alloc(0);
  let isFirst = true;
  for await (const chunk of chunks) {
    const body = isFirst ? withoutBom(chunk) : chunk;
    isFirst = false;
    const bytes = pending.length === 0 ? body : Buffer.concat([pending, body]);
    const { records, next } = splitter.split(bytes, false);
    pending = Buffer.from(bytes.subarray(next));
    yield records;
  }
  yield splitter.split(pending, true).records;
}

function withoutBom(chunk: Buffer): Buffer {
  return chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk;
}

class Splitter {
  readonly #dialect: Dialect;
  readonly #delimiter: number;
  #line = 1;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#delimiter = dialect.delimiter === "whitespace" ? -1 : dialect.delimiter.charCodeAt(0);
  }

  /** All complete records of `bytes`; `next` is where the first incomplete one begins. */
  split(bytes: Buffer, isEnd: boolean): { records: TextRecord[]; next: number } {
    const records: TextRecord[] = [];
    let at = 0;
    while (at < bytes.length) {
      const newline = bytes.indexOf(LF, at);
      if (newline < 0 && !isEnd) {
        if (bytes.length - at > MAX_LINE_BYTES) throw tooLong(this.#dialect.name, this.#line);
        break;
      }
      const lineEnd = newline < 0 ? bytes.length : newline;
      if (lineEnd - at > MAX_LINE_BYTES) throw tooLong(this.#dialect.name, this.#line);
      const text = bytes.toString(
        "utf8",
        at,
        bytes[lineEnd - 1] === CR && lineEnd > at ? lineEnd - 1 : lineEnd,
      );
      if (this.#delimiter < 0 || !text.includes('"')) {
        if (text.trim() !== "") records.push({ line: this.#line, fields: this.#fieldsOf(text), text });
        at = lineEnd + 1;
        this.#line++;
        continue;
      }
      const quoted = this.#quotedRecord(bytes, at, isEnd);
      if (quoted === "incomplete") break;
      if ("fault" in quoted) {
        records.push({ line: this.#line, fault: quoted.fault, text });
        at = lineEnd + 1;
        this.#line++;
        continue;
      }
      records.push({ line: this.#line, fields: quoted.fields, text: bytes.toString("utf8", at, quoted.end) });
      this.#line += quoted.nLines;
      at = quoted.next;
    }
    return { records, next: Math.min(at, bytes.length) };
  }

  #fieldsOf(text: string): string[] {
    return this.#delimiter < 0 ? text.trim().split(/[ \t]+/) : text.split(this.#dialect.delimiter);
  }

  /** A record with quotes from `start`, or why it is none. */
  #quotedRecord(
    bytes: Buffer,
    start: number,
    isEnd: boolean,
  ): "incomplete" | Fault | { fields: string[]; end: number; next: number; nLines: number } {
    const fields: string[] = [];
    let at = start;
    for (;;) {
      const field = bytes[at] === QUOTE ? quotedField(bytes, at, isEnd) : this.#openField(bytes, at, isEnd);
      if (field === "incomplete") {
        return bytes.length - start > MAX_LINE_BYTES ? UNCLOSED : "incomplete";
      }
      if ("fault" in field) return field;
      fields.push(field.value);
      at = field.end;
      if (at < bytes.length && bytes[at] === this.#delimiter) {
        at++;
        continue;
      }
      const hasCr = bytes[at] === CR && (bytes[at + 1] === LF || (isEnd && at + 1 === bytes.length));
      const lf = hasCr ? at + 1 : at;
      if (lf < bytes.length && bytes[lf] !== LF) return { fault: "text behind a closing quote" };
      if (lf >= bytes.length && !isEnd) return "incomplete";
      const next = Math.min(lf + 1, bytes.length);
      return { fields, end: at, next, nLines: newlinesBetween(bytes, start, at) + 1 };
    }
  }

  #openField(bytes: Buffer, start: number, isEnd: boolean): "incomplete" | { value: string; end: number } {
    let end = start;
    while (end < bytes.length && bytes[end] !== this.#delimiter && bytes[end] !== LF) end++;
    if (end === bytes.length && !isEnd) return "incomplete";
    if (bytes[end] === LF && bytes[end - 1] === CR && end > start) end--;
    return { value: bytes.toString("utf8", start, end), end };
  }
}

function quotedField(
  bytes: Buffer,
  start: number,
  isEnd: boolean,
): "incomplete" | Fault | { value: string; end: number } {
  let from = start + 1;
  let value = "";
  for (;;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote < 0 || (quote + 1 === bytes.length && !isEnd)) return isEnd ? UNCLOSED : "incomplete";
    value += bytes.toString("utf8", from, quote);
    if (bytes[quote + 1] !== QUOTE) return { value, end: quote + 1 };
    value += '"';
    from = quote + 2;
  }
}

function newlinesBetween(bytes: Buffer, start: number, end: number): number {
  let n = 0;
  for (let at = bytes.indexOf(LF, start); at >= 0 && at < end; at = bytes.indexOf(LF, at + 1)) n++;
  return n;
}
