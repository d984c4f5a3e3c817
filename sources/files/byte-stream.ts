import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { badFile } from "./bad-file.ts";

/** One local file under the name that the user knows it by. */
export interface LocalFile {
  readonly name: string;
  readonly localPath: string;
}

/** Longest line (or quoted record) that is read, in bytes. */
export const MAX_LINE_BYTES = 1 << 20;
/** Most bytes that a gzip file may unpack to: a bomb ends here, not on a full disk. */
const MAX_UNPACKED_BYTES = 64 * 2 ** 30;
const CHUNK_BYTES = 1 << 20;

export interface FileHead {
  readonly bytes: number;
  readonly isGzip: boolean;
  readonly isParquet: boolean;
}

/**
 * Looks at the first bytes of a file.
 *
 * @throws {PlatformError} bad_file: missing, not a regular file, empty, or in UTF-16
 */
export async function readHead(file: LocalFile): Promise<FileHead> {
  const info = await stat(file.localPath).catch((cause: unknown) => {
    throw badFile(file.name, { expected: "a file", found: "nothing there", cause });
  });
  if (!info.isFile()) throw badFile(file.name, { expected: "a file", found: "something else" });
  if (info.size === 0) throw badFile(file.name, { expected: "data", found: "an empty file" });
  const handle = await open(file.localPath, "r");
  try {
    const head = Buffer.alloc(4);
    await handle.read(head, 0, 4, 0);
    if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
      throw badFile(file.name, { line: 1, expected: "UTF-8", found: "UTF-16" });
    }
    return {
      bytes: info.size,
      isGzip: head[0] === 0x1f && head[1] === 0x8b,
      isParquet: head.toString("latin1") === "PAR1",
    };
  } finally {
    await handle.close();
  }
}

/**
 * Streams a file's bytes, unpacked when it is gzip by its first bytes, and holds them to what every text format
 * needs: no NUL, valid UTF-8. Memory: two chunks.
 *
 * @throws {PlatformError} bad_file: damaged or truncated gzip, NUL byte, invalid UTF-8, each with its line
 */
export async function* readTextBytes(
  file: LocalFile,
  isGzip: boolean,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const guard = new TextGuard();
  let unpacked = 0;
  try {
    for await (const chunk of openBytes(file, isGzip, signal)) {
      unpacked += chunk.length;
      if (unpacked > MAX_UNPACKED_BYTES) {
        throw badFile(file.name, { expected: `at most ${MAX_UNPACKED_BYTES} bytes unpacked`, found: "more" });
      }
      const fault = guard.check(chunk);
      if (fault !== undefined) throw await textFault(file, isGzip, fault);
      yield chunk;
    }
  } catch (error) {
    throw gzipFault(file.name, error) ?? error;
  }
  const fault = guard.finish();
  if (fault !== undefined) throw await textFault(file, isGzip, fault);
}

/**
 * Streams a file's bytes as they are, unpacked when it is gzip: for formats whose lines are judged one by one.
 *
 * @throws {PlatformError} bad_file: damaged or truncated gzip
 */
export async function* readBytes(file: LocalFile, isGzip: boolean): AsyncGenerator<Buffer> {
  let unpacked = 0;
  try {
    for await (const chunk of openBytes(file, isGzip)) {
      unpacked += chunk.length;
      if (unpacked > MAX_UNPACKED_BYTES)
        throw badFile(file.name, { expected: `at most ${MAX_UNPACKED_BYTES} bytes unpacked`, found: "more" });
      yield chunk;
    }
  } catch (error) {
    throw gzipFault(file.name, error) ?? error;
  }
}

/** Counting lines as they pass would double the cost of every good file: a bad one is read again up to the fault. */
async function textFault(file: LocalFile, isGzip: boolean, fault: TextFault): Promise<Error> {
  let line = 1;
  let offset = 0;
  for await (const chunk of openBytes(file, isGzip)) {
    line += countNewlines(chunk.subarray(0, Math.max(0, fault.offset - offset)));
    offset += chunk.length;
    if (offset >= fault.offset) break;
  }
  return badFile(file.name, { line, expected: "text in UTF-8", found: fault.found });
}

function openBytes(file: LocalFile, isGzip: boolean, signal?: AbortSignal): AsyncIterable<Buffer> {
  const options = { highWaterMark: CHUNK_BYTES, ...(signal === undefined ? {} : { signal }) };
  const raw = createReadStream(file.localPath, options);
  if (!isGzip) return raw;
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  raw.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => raw.destroy());
  return raw.pipe(gunzip);
}

function gzipFault(name: string, error: unknown): Error | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.startsWith("Z_")) return undefined;
  const found = code === "Z_BUF_ERROR" ? "it ends in the middle" : "damaged bytes";
  return badFile(name, { expected: "complete gzip data", found, cause: error });
}

interface TextFault {
  readonly offset: number;
  readonly found: string;
}

/** Watches a byte stream for NUL and invalid UTF-8, with native searches only. */
class TextGuard {
  #offset = 0;
  #carry: Buffer = Buffer.alloc(0);

  check(chunk: Buffer): TextFault | undefined {
    const nul = chunk.indexOf(0);
    if (nul >= 0) return { offset: this.#offset + nul, found: "a NUL byte" };
    const cut = chunk.length - incompleteTail(chunk);
    const body = chunk.subarray(0, cut);
    const text = this.#carry.length === 0 ? body : Buffer.concat([this.#carry, body]);
    if (!isUtf8(text)) {
      const offset = this.#offset - this.#carry.length + firstInvalidLine(text);
      return { offset: Math.max(0, offset), found: "other bytes" };
    }
    this.#carry = Buffer.from(chunk.subarray(cut));
    this.#offset += chunk.length;
    return undefined;
  }

  finish(): TextFault | undefined {
    return this.#carry.length > 0
      ? { offset: this.#offset, found: "half a character at the end" }
      : undefined;
  }
}

/** Number of bytes at the end that begin a character which the next chunk completes. */
function incompleteTail(chunk: Buffer): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? back : 0;
    }
  }
  return 0;
}

function firstInvalidLine(text: Buffer): number {
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf(10, start);
    const end = newline < 0 ? text.length : newline + 1;
    if (!isUtf8(text.subarray(start, end))) return start;
    start = end;
  }
  return start;
}

function countNewlines(bytes: Buffer): number {
  let n = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) n++;
  return n;
}
