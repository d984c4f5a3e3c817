import type { PoolClient, Submittable } from "pg";
import { asDatabaseError } from "./database-errors.ts";

/** The part of `pg`'s connection that COPY needs; its own types leave it out. */
interface CopyConnection {
  readonly stream: NodeJS.WritableStream & { readonly writableNeedDrain: boolean };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/**
 * Streams chunks into `copyCommand` (a constant `copy … from stdin`): COPY text, or bytes where it says `format binary`.
 *
 * Memory stays bounded: no chunk is taken from `chunks` while the socket is full. An error of the producer
 * fails the COPY and is thrown as it is; the transaction must then be rolled back.
 */
export function copyRows(
  client: PoolClient,
  copyCommand: string,
  chunks: AsyncIterable<string | Buffer>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const copy = new CopyIn(copyCommand, chunks, (error) =>
      error === undefined ? resolve() : reject(error),
    );
    client.query(copy as unknown as Submittable);
  });
}

/** One query in `pg`'s queue that speaks the copy-in part of the protocol. Method names are `pg`'s. */
class CopyIn {
  readonly #command: string;
  readonly #chunks: AsyncIterable<string | Buffer>;
  readonly #done: (error?: unknown) => void;
  #failure: Error | undefined;
  #isOver = false;

  constructor(command: string, chunks: AsyncIterable<string | Buffer>, done: (error?: unknown) => void) {
    this.#command = command;
    this.#chunks = chunks;
    this.#done = done;
  }

  submit(connection: CopyConnection): void {
    connection.query(this.#command);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    void this.#send(connection);
  }

  handleError(error: Error): void {
    this.#isOver = true;
    this.#done(this.#failure ?? asDatabaseError(error));
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#isOver = true;
    this.#done(this.#failure);
  }

  async #send(connection: CopyConnection): Promise<void> {
    try {
      for await (const chunk of this.#chunks) {
        if (this.#isOver) return;
        connection.sendCopyFromChunk(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
        if (connection.stream.writableNeedDrain) await drained(connection.stream);
      }
      if (!this.#isOver) connection.endCopyFrom();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      if (!this.#isOver) connection.sendCopyFail("the producer of the rows failed");
    }
  }
}

/** Settles when the socket takes more, or is closed; the closed socket's error reaches `handleError`. */
function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off("drain", settle);
      stream.off("close", settle);
      resolve();
    };
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

/** One field of COPY text: backslash, tab and line ends escaped. */
export function copyField(text: string): string {
  return text.replaceAll(/[\\\t\n\r]/g, (c) => {
    if (c === "\t") return "\\t";
    if (c === "\n") return "\\n";
    return c === "\r" ? "\\r" : "\\\\";
  });
}
