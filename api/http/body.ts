import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context } from "hono";
import { PlatformError } from "../../schemas/platform-error.ts";
import { incomingOf } from "./context.ts";
import type { ApiEnv } from "./context.ts";
import { headerOf } from "./headers.ts";

const unpack = promisify(gunzip);

/** A whole body that is kept in memory must arrive within this time, and a second more for each MiB it may come to. */
const BODY_DEADLINE_MS = 8_000;
/** How often bodies on their way are looked at. */
const SWEEP_MS = 1_000;

/** Largest body of a route that says nothing else. */
export const DEFAULT_BODY_BYTES = 1_048_576;

/** Told of bytes as they arrive. What it throws ends the reading. */
export type OnBytes = (nBytes: number) => void;

/** One header of a request, by its lower-case name. */
export type ReadHeader = (name: string) => string | undefined;

/**
 * Whole body in memory, at most `limitBytes`; more than that is never read.
 *
 * @throws {PlatformError} body_too_large, unsupported_media_type (a Content-Encoding), invalid_body (cut off)
 */
export async function readBody(c: Context<ApiEnv>, limitBytes: number): Promise<Uint8Array> {
  checkBodyHeaders((name) => headerOf(c, name), limitBytes);
  return readAll(c, limitBytes);
}

/**
 * As `readBody`, also of a gzip body: neither what is sent nor what it unpacks to is more than `limitBytes`.
 *
 * @param onBytes  told of what was sent as it comes, and of what it unpacked to
 * @throws {PlatformError} as `readBody`; invalid_body: it does not unpack
 */
export async function readPackedBody(
  c: Context<ApiEnv>,
  limitBytes: number,
  onBytes: OnBytes,
): Promise<Uint8Array> {
  const header: ReadHeader = (name) => headerOf(c, name);
  const isPacked = header("content-encoding")?.toLowerCase() === "gzip";
  checkBodyHeaders(
    (name) => (isPacked && name === "content-encoding" ? undefined : header(name)),
    limitBytes,
  );
  const body = await readAll(c, limitBytes, onBytes);
  if (!isPacked) return body;
  const unpacked = await unpackBody(body, limitBytes);
  onBytes(unpacked.length);
  return unpacked;
}

async function unpackBody(packed: Uint8Array, limitBytes: number): Promise<Uint8Array> {
  try {
    return await unpack(packed, { maxOutputLength: limitBytes });
  } catch (cause) {
    const isTooLong = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    if (isTooLong) throw tooLarge(limitBytes);
    throw new PlatformError("invalid_body", "read body: it is not gzip, though Content-Encoding says so", {
      cause,
    });
  }
}

function readAll(c: Context<ApiEnv>, limitBytes: number, onBytes?: OnBytes): Promise<Uint8Array> {
  const incoming = incomingOf(c);
  return incoming === undefined
    ? readWebBody(c, limitBytes, onBytes)
    : readNodeBody(incoming, limitBytes, onBytes);
}

/** What can be refused before the first byte: an announced size, a compressed body (a bomb, however small). */
export function checkBodyHeaders(header: ReadHeader, limitBytes: number): void {
  const encoding = header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new PlatformError("unsupported_media_type", "read body: expected no Content-Encoding");
  }
  if (Number(header("content-length") ?? 0) > limitBytes) throw tooLarge(limitBytes);
}

/**
 * Holds a Content-Type against the ones a route takes; parameters such as the charset are left aside.
 * @throws {PlatformError} unsupported_media_type
 */
export function checkMediaType(header: string | undefined, types: readonly string[]): void {
  if (header !== undefined && types.includes(header)) return;
  const type = (header ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (types.includes(type)) return;
  throw new PlatformError("unsupported_media_type", `read body: expected Content-Type ${types.join(" or ")}`);
}

export function tooLarge(limitBytes: number): PlatformError {
  return new PlatformError("body_too_large", `read body: expected at most ${limitBytes} bytes`);
}

/** As `readBody`, from the socket's request whose headers were checked. */
export function readNodeBody(
  incoming: IncomingMessage,
  limitBytes: number,
  onBytes: OnBytes = () => undefined,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let nBytes = 0;
    const stop = (error: unknown): void => {
      arriving.delete(body);
      incoming.removeAllListeners("data");
      incoming.pause();
      reject(error);
    };
    const body: ArrivingBody = {
      deadlineAt:
        performance.now() + BODY_DEADLINE_MS + (1_000 * mostBytesOf(incoming, limitBytes)) / 2 ** 20,
      expire() {
        stop(new PlatformError("invalid_body", "read body: it took too long"));
        incoming.socket.destroySoon();
      },
    };
    watch(body);
    incoming.on("data", (chunk: Buffer) => {
      nBytes += chunk.length;
      try {
        if (nBytes > limitBytes) throw tooLarge(limitBytes);
        onBytes(chunk.length);
      } catch (error) {
        stop(error);
        return;
      }
      if (first === undefined) first = chunk;
      else (more ??= []).push(chunk);
    });
    incoming.on("end", () => {
      arriving.delete(body);
      if (more !== undefined && first !== undefined) resolve(Buffer.concat([first, ...more]));
      else resolve(first ?? new Uint8Array(0));
    });
    incoming.on("error", (cause) => stop(new PlatformError("invalid_body", "read body: cut off", { cause })));
    incoming.on("close", () => {
      if (!incoming.complete) stop(new PlatformError("invalid_body", "read body: cut off"));
    });
  });
}

/** What a body may come to: what it says, where it says less than is allowed. */
function mostBytesOf({ headers }: IncomingMessage, limitBytes: number): number {
  const announced = Number(headers["content-length"] ?? limitBytes);
  return announced < limitBytes ? announced : limitBytes;
}

interface ArrivingBody {
  readonly deadlineAt: number;
  expire(): void;
}

/** One timer for all bodies on their way: one for each would cost more than reading most of them. */
const arriving = new Set<ArrivingBody>();
let sweep: NodeJS.Timeout | undefined;

function watch(body: ArrivingBody): void {
  arriving.add(body);
  sweep ??= setInterval(() => {
    const now = performance.now();
    for (const late of arriving) if (late.deadlineAt <= now) late.expire();
    if (arriving.size > 0) return;
    clearInterval(sweep);
    sweep = undefined;
  }, SWEEP_MS).unref();
}

async function readWebBody(
  c: Context<ApiEnv>,
  limitBytes: number,
  onBytes: OnBytes = () => undefined,
): Promise<Uint8Array> {
  const stream = c.req.raw.body;
  if (stream === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let nBytes = 0;
  for await (const chunk of stream) {
    nBytes += chunk.length;
    if (nBytes > limitBytes) throw tooLarge(limitBytes);
    onBytes(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
