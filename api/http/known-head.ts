import type { IncomingMessage } from "node:http";
import type { HeaderReader } from "./auth.ts";
import { incomingHeader } from "./headers.ts";

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
const HEAD_END = Buffer.from("\r\n\r\n");
const CONTENT_LENGTH = /\r\ncontent-length: ?(\d{1,7})\r\n/gi;
/** Longest head that is remembered: what a client repeats is short, and every connection keeps its own. */
const MAX_HEAD_BYTES = 4_096;
/** Headers after which a message is not framed by its Content-Length alone, or the connection ends or changes. */
const UNUSUAL = ["transfer-encoding", "expect", "upgrade", "trailer", "te"] as const;

/**
 * Length of the one message that `chunk` begins with, as Node's parser framed it; undefined where the bytes could be
 * framed in any other way.
 *
 * @param incoming  what the parser made of these bytes
 */
export function messageLength(chunk: Buffer, incoming: IncomingMessage): number | undefined {
  const end = chunk.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES || incoming.httpVersion !== "1.1") return undefined;
  if (UNUSUAL.some((name) => incoming.headers[name] !== undefined)) return undefined;
  const { connection } = incoming.headers;
  if (connection !== undefined && connection.toLowerCase() !== "keep-alive") return undefined;
  // A line that ends in anything but CR LF could end the head sooner than it seems.
  for (let i = 0; i < end; i++) {
    if ((chunk[i] === LF && chunk[i - 1] !== CR) || (chunk[i] === CR && chunk[i + 1] !== LF))
      return undefined;
  }
  return end + HEAD_END.length + Number(incoming.headers["content-length"] ?? 0);
}

/**
 * The head of a request that Node's parser has read and accepted, kept as bytes.
 *
 * Clients send the same head with every request of a connection; only the digits of Content-Length change. Parsing
 * is a function of the bytes, so a head that is equal but for these digits has the same method, path and headers.
 * It is not parsed again, and nothing here parses HTTP: whatever differs in one byte goes to Node.
 */
export class KnownHead {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly headers: HeaderReader;
  /** Everything before the digits, and from the end of the digits to the body. */
  private readonly before: Buffer;
  private readonly after: Buffer;

  private constructor(incoming: IncomingMessage, before: Buffer, after: Buffer) {
    // Maps: the same few names are looked up with every request.
    const headers = new Map(
      Object.keys(incoming.headers).map((name) => [name, incomingHeader(incoming, name)]),
    );
    const distinct = new Map(Object.entries(incoming.headersDistinct));
    this.method = incoming.method ?? "";
    this.url = incoming.url ?? "";
    this.contentType = headers.get("content-type");
    this.headers = { one: (name) => headers.get(name), all: (name) => distinct.get(name) ?? [] };
    this.before = before;
    this.after = after;
  }

  /**
   * @param chunk  the first bytes of the request, head included, for which `messageLength` had an answer
   * @returns undefined when the place of its Content-Length is not beyond doubt
   */
  static of(chunk: Buffer, incoming: IncomingMessage): KnownHead | undefined {
    const end = chunk.indexOf(HEAD_END) + HEAD_END.length;
    const text = chunk.toString("latin1", 0, end);
    const [match, ...others] = text.matchAll(CONTENT_LENGTH);
    const digits = match?.[1];
    if (match === undefined || digits === undefined || others.length > 0) return undefined;
    if (digits !== incoming.headers["content-length"] || digits.startsWith("0")) return undefined;
    const stop = match.index + match[0].length - 2;
    return new KnownHead(
      incoming,
      Buffer.from(chunk.subarray(0, stop - digits.length)),
      Buffer.from(chunk.subarray(stop, end)),
    );
  }

  /** Index of the body when `chunk` is one whole request with this head and not a byte more; else −1. */
  bodyOf(chunk: Buffer): number {
    const { before, after } = this;
    if (chunk.length <= before.length + after.length) return -1;
    if (before.compare(chunk, 0, before.length) !== 0) return -1;
    let at = before.length;
    let nBytes = 0;
    let digit = (chunk[at] ?? 0) - ZERO;
    if (digit === 0) return -1;
    for (; digit >= 0 && digit <= 9; digit = (chunk[++at] ?? 0) - ZERO) nBytes = nBytes * 10 + digit;
    const body = at + after.length;
    if (at - before.length > 7 || chunk.length !== body + nBytes) return -1;
    return after.compare(chunk, at, body) === 0 ? body : -1;
  }
}
