import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { PlatformError } from "../../schemas/platform-error.ts";
import { errnoOf } from "./object-errors.ts";

const CHUNK_BYTES = 1 << 20;

/** What makes two looks at a file the same look: any write, rename over, or new link changes one of them. */
export interface FileStamp {
  readonly bytes: number;
  readonly links: number;
  readonly inode: string;
  readonly changed: string;
}

export async function stampOf(handle: FileHandle): Promise<FileStamp> {
  const s = await handle.stat({ bigint: true });
  if (!s.isFile()) throw new PlatformError("integrity", "read object: expected a plain file");
  return {
    bytes: Number(s.size),
    links: Number(s.nlink),
    inode: `${s.dev}:${s.ino}`,
    changed: `${s.mtimeNs}:${s.ctimeNs}`,
  };
}

/** Opens for reading without following a symbolic link in the last component (ELOOP then). */
export function openPlainFile(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** SHA-256 and length of an open file, read from its start in chunks of 1 MiB. */
export async function hashHandle(handle: FileHandle): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, bytes);
    if (bytesRead === 0) return { sha256: hash.digest("hex"), bytes };
    hash.update(chunk.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}

/** SHA-256 and length of the file at `path`; a symbolic link is refused. */
export async function hashFile(path: string): Promise<{ sha256: string; bytes: number }> {
  const handle = await openPlainFile(path);
  try {
    return await hashHandle(handle);
  } finally {
    await handle.close();
  }
}

/**
 * Writes a new file and flushes it to disk; on any failure nothing is left behind.
 *
 * @param path     must not exist; its folder is made
 * @param content  bytes, or a stream of chunks
 * @returns SHA-256 and length of what was written
 */
export async function writeNewFile(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, "wx", 0o640);
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      hash.update(chunk);
      await handle.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    await handle.sync();
    return { sha256: hash.digest("hex"), bytes };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Flushes a folder, so that a link made in it survives a power cut. Not every file system offers it. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (errnoOf(error) !== "EINVAL" && errnoOf(error) !== "ENOTSUP") throw error;
  } finally {
    await handle.close();
  }
}
