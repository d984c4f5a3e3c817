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

/** Opens one connection to 127.0.0.1. */
export async function openConnection(port: number): Promise<HttpConnection> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect({ host: "127.0.0.1", port, noDelay: true });
    opening.once("connect", () => resolve(opening));
    opening.once("error", reject);
  });
  return new RawConnection(socket);
}

const HEAD_END = Buffer.from("\r\n\r\n");

class RawConnection implements HttpConnection {
  private readonly socket: Socket;
  private waiter: Waiter | undefined;
  private pending: Buffer | undefined;
  private broken: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.removeAllListeners("error");
    socket.on("data", (chunk) => this.onData(chunk));
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

  private onData(chunk: Buffer): void {
    const buffer = this.pending === undefined ? chunk : Buffer.concat([this.pending, chunk]);
    const frame = readFrame(buffer);
    if (frame === "more") {
      this.pending = buffer;
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

function readFrame(buffer: Buffer): HttpAnswer | "more" | "unframed" {
  const headEnd = buffer.indexOf(HEAD_END);
  if (headEnd === -1) return "more";
  const head = buffer.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) return "unframed";
  const start = headEnd + HEAD_END.length;
  const stop = start + Number(length);
  if (buffer.length < stop) return "more";
  return { status: Number(head.slice(9, 12)), body: buffer.subarray(start, stop) };
}
