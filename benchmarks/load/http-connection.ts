import { connect } from "node:net";
import type { Socket } from "node:net";

/**
 * One keep-alive HTTP/1.1 connection that costs the load generator next to nothing.
 *
 * The generator shares two cores with the server it measures, so everything it does is taken from the
 * server. Requests are bytes made beforehand; a response is found by its `content-length`, and its body is
 * handed on as a view. One request is in flight per connection. Chunked responses are refused: neither
 * server sends them here, and reading them would hide that one of them began to.
 */

export interface HttpAnswer {
  readonly status: number;
  /** Valid only during the callback: a view on the socket's buffer. */
  readonly body: Buffer;
}

export interface HttpConnection {
  /**
   * Sends a whole request and waits for its answer. One at a time.
   *
   * @throws {Error} when the connection breaks or the answer cannot be framed
   */
  send(request: Buffer, onAnswer: (error: Error | undefined, answer: HttpAnswer | undefined) => void): void;
  close(): void;
}

/** A POST with a JSON body, ready to be sent any number of times. */
export function encodePost(
  host: string,
  path: string,
  body: string,
  headers: readonly string[] = [],
): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

type Waiter = (error: Error | undefined, answer: HttpAnswer | undefined) => void;

/** Answers are read into one buffer a connection: a new one for every read would cost as much as the read. */
const READ_BYTES = 65_536;

/** Opens one connection to 127.0.0.1. */
export function openConnection(port: number): Promise<HttpConnection> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const onread = {
      buffer,
      callback: (nBytes: number): boolean => {
        connection.onData(buffer.subarray(0, nBytes));
        return true;
      },
    };
    const socket = connect({ host: "127.0.0.1", port, noDelay: true, onread });
    const connection = new RawConnection(socket);
    socket.once("connect", () => resolve(connection));
    socket.once("error", reject);
  });
}

const HEAD_END = Buffer.from("\r\n\r\n");

class RawConnection implements HttpConnection {
  private readonly socket: Socket;
  private waiter: Waiter | undefined;
  private readonly frames = new FrameReader();
  private pending: Buffer | undefined;
  private broken: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("connection closed by the server")));
  }

  send(request: Buffer, onAnswer: Waiter): void {
    if (this.broken !== undefined) {
      onAnswer(this.broken, undefined);
      return;
    }
    this.waiter = onAnswer;
    this.socket.write(request);
  }

  close(): void {
    this.waiter = undefined;
    this.socket.destroy();
  }

  /** @param chunk  overwritten by the next read */
  onData(chunk: Buffer): void {
    const buffer = this.pending === undefined ? chunk : Buffer.concat([this.pending, chunk]);
    const frame = this.frames.read(buffer);
    if (frame === "more") {
      this.pending = Buffer.from(buffer);
      return;
    }
    this.pending = undefined;
    if (frame === "unframed") {
      this.fail(new Error("answer without content-length"));
      this.socket.destroy();
      return;
    }
    this.settle(undefined, frame);
  }

  private fail(error: Error): void {
    this.broken ??= error;
    this.settle(error, undefined);
  }

  private settle(error: Error | undefined, answer: HttpAnswer | undefined): void {
    const waiter = this.waiter;
    this.waiter = undefined;
    waiter?.(error, answer);
  }
}

const LENGTH_NAME = Buffer.from("\r\ncontent-length: ");
const ZERO = 0x30;
const CR = 0x0d;

/**
 * Finds the end of an answer. A server writes the same head every time but for a few values, so the place of the
 * length in the last head is looked at first; where it is not there, the head is searched.
 */
class FrameReader {
  private digitsAt = 0;

  read(buffer: Buffer): HttpAnswer | "more" | "unframed" {
    const headEnd = buffer.indexOf(HEAD_END);
    if (headEnd === -1) return "more";
    if (!this.isLengthAt(buffer, headEnd)) this.digitsAt = findLength(buffer, headEnd);
    if (this.digitsAt === 0) return "unframed";
    let length = 0;
    let at = this.digitsAt;
    for (let byte = buffer[at] ?? 0; byte !== CR; byte = buffer[++at] ?? 0) {
      if (byte < ZERO || byte > ZERO + 9) return "unframed";
      length = length * 10 + (byte - ZERO);
    }
    const start = headEnd + HEAD_END.length;
    const stop = start + length;
    if (buffer.length < stop) return "more";
    return { status: statusOf(buffer), body: buffer.subarray(start, stop) };
  }

  private isLengthAt(buffer: Buffer, headEnd: number): boolean {
    const start = this.digitsAt - LENGTH_NAME.length;
    return start > 0 && this.digitsAt < headEnd && LENGTH_NAME.compare(buffer, start, this.digitsAt) === 0;
  }
}

/** Index of the first digit of the length; 0 when there is none. */
function findLength(buffer: Buffer, headEnd: number): number {
  const match = /\r\ncontent-length: *(?=\d)/i.exec(buffer.toString("latin1", 0, headEnd));
  return match === null ? 0 : match.index + match[0].length;
}

/** Of `HTTP/1.1 200 OK`: 200. */
function statusOf(buffer: Buffer): number {
  const digit = (at: number): number => (buffer[at] ?? 0) - ZERO;
  return digit(9) * 100 + digit(10) * 10 + digit(11);
}
