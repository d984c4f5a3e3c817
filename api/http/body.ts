import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { PlatformError } from "../../schemas/platform-error.ts";
import { incomingOf } from "./context.ts";
import type { ApiEnv } from "./context.ts";
import { headerOf } from "./headers.ts";

/** A whole body that is kept in memory must arrive within this time. */
const BODY_DEADLINE_MS = 30_000;

/** Largest body of a route that says nothing else. */
export const DEFAULT_BODY_BYTES = 1_048_576;

/**
 * Whole body in memory, at most `limitBytes`; more than that is never read.
 *
 * @throws {PlatformError} body_too_large, unsupported_media_type (a Content-Encoding), invalid_body (cut off)
 */
export async function readBody(c: Context<ApiEnv>, limitBytes: number): Promise<Uint8Array> {
  checkBodyHeaders(c, limitBytes);
  const incoming = incomingOf(c);
  return incoming === undefined ? readWebBody(c, limitBytes) : readNodeBody(incoming, limitBytes);
}

/** What can be refused before the first byte: an announced size, a compressed body (a bomb, however small). */
export function checkBodyHeaders(c: Context<ApiEnv>, limitBytes: number): void {
  const encoding = headerOf(c, "content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new PlatformError("unsupported_media_type", "read body: expected no Content-Encoding");
  }
  if (Number(headerOf(c, "content-length") ?? 0) > limitBytes) throw tooLarge(limitBytes);
}

export function tooLarge(limitBytes: number): PlatformError {
  return new PlatformError("body_too_large", `read body: expected at most ${limitBytes} bytes`);
}

function readNodeBody(incoming: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let nBytes = 0;
    const stop = (error: Error): void => {
      clearTimeout(timer);
      incoming.removeAllListeners("data");
      incoming.pause();
      reject(error);
    };
    const timer = setTimeout(() => {
      stop(new PlatformError("invalid_body", "read body: it took too long"));
      incoming.socket.destroySoon();
    }, BODY_DEADLINE_MS);
    incoming.on("data", (chunk: Buffer) => {
      nBytes += chunk.length;
      if (nBytes > limitBytes) stop(tooLarge(limitBytes));
      else chunks.push(chunk);
    });
    incoming.once("end", () => {
      clearTimeout(timer);
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
    incoming.once("error", (cause) =>
      stop(new PlatformError("invalid_body", "read body: cut off", { cause })),
    );
    incoming.once("close", () => {
      if (!incoming.complete) stop(new PlatformError("invalid_body", "read body: cut off"));
    });
  });
}

async function readWebBody(c: Context<ApiEnv>, limitBytes: number): Promise<Uint8Array> {
  const stream = c.req.raw.body;
  if (stream === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let nBytes = 0;
  for await (const chunk of stream) {
    nBytes += chunk.length;
    if (nBytes > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
