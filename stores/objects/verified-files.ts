import type { FileHandle } from "node:fs/promises";
import { hashHandle, stampOf } from "./plain-file.ts";
import type { FileStamp } from "./plain-file.ts";

/**
 * Which files this process has hashed, by path and stamp: a file that stays as it was is hashed once.
 *
 * Any write, replacement or new link changes the stamp (inode, times in nanoseconds, size), so the file is
 * hashed again. Like every check of a file that is used by its path later, this trusts the folder meanwhile.
 */
export class VerifiedFiles {
  readonly #known = new Map<string, { readonly sha256: string; readonly stamp: FileStamp }>();

  /** SHA-256 of an open file; reads it only when its stamp is new. */
  async sha256Of(path: string, handle: FileHandle): Promise<string> {
    const stamp = await stampOf(handle);
    const known = this.#known.get(path);
    if (known !== undefined && isSame(known.stamp, stamp)) return known.sha256;
    const { sha256 } = await hashHandle(handle);
    this.#known.set(path, { sha256, stamp });
    return sha256;
  }

  /** Remembers what was just written and hashed by this process. */
  async remember(path: string, handle: FileHandle, sha256: string): Promise<void> {
    this.#known.set(path, { sha256, stamp: await stampOf(handle) });
  }
}

function isSame(a: FileStamp, b: FileStamp): boolean {
  return a.inode === b.inode && a.changed === b.changed && a.bytes === b.bytes && a.links === b.links;
}
