import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CacheHolds } from "./cache-holds.ts";
import { errnoOf } from "./object-errors.ts";

/** Copies go until this share of the bound is left, so that not every fetch has to look. */
const KEEP_SHARE = 0.9;
/** Other processes write too: the folder is looked at again after this share of the bound was written here. */
const LOOK_SHARE = 1 / 16;
/** Order by last use needs no more precision than this. */
const TOUCH_EVERY_MS = 60_000;
/** A file in the making that is this old was left by a crash. */
const TEMPORARY_STALE_MS = 86_400_000;

interface Copy {
  readonly sha256: string;
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/**
 * Keeps the copies of a cache below a size: those used longest ago go first, never one that is held.
 *
 * The time of last use is that of `used/<sha256>`: a copy's own times are part of what proves it unchanged, and access
 * times are off on many disks. With everything in use the bound is exceeded: work goes before it.
 */
export class CacheBound {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #holds: CacheHolds;
  readonly #touched = new Map<string, number>();
  #knownBytes = Number.POSITIVE_INFINITY;
  #unseenBytes = 0;
  #underway: Promise<void> = Promise.resolve();

  constructor(directory: string, given: { readonly maxBytes: number; readonly holds: CacheHolds }) {
    this.#directory = directory;
    this.#maxBytes = given.maxBytes;
    this.#holds = given.holds;
  }

  /** Notes that the copy is used now. */
  async touch(sha256: string): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - (this.#touched.get(sha256) ?? 0) < TOUCH_EVERY_MS) return;
    this.#touched.set(sha256, nowMs);
    const path = join(this.#directory, "used", sha256);
    const now = new Date(nowMs);
    try {
      await utimes(path, now, now);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      await mkdir(join(this.#directory, "used"), { recursive: true });
      await writeFile(path, "");
    }
  }

  /** Makes room for a copy that is about to be written. One process looks once at a time. */
  async makeRoom(bytes: number): Promise<void> {
    this.#knownBytes += bytes;
    this.#unseenBytes += bytes;
    const look = () => this.#evictOldest(bytes);
    this.#underway = this.#underway.then(look, look);
    await this.#underway;
  }

  async #evictOldest(coming: number): Promise<void> {
    if (this.#knownBytes <= this.#maxBytes && this.#unseenBytes <= this.#maxBytes * LOOK_SHARE) return;
    const copies = await this.#copies();
    let total = copies.reduce((sum, copy) => sum + copy.bytes, 0) + coming;
    if (total > this.#maxBytes) {
      copies.sort((a, b) => a.usedMs - b.usedMs);
      for (const copy of copies) {
        if (total <= this.#maxBytes * KEEP_SHARE) break;
        if (await this.#holds.evict(copy.sha256, () => this.#remove(copy))) total -= copy.bytes;
      }
    }
    this.#knownBytes = total;
    this.#unseenBytes = 0;
  }

  async #remove({ path, sha256 }: Copy): Promise<void> {
    this.#touched.delete(sha256);
    await rm(path, { force: true });
    await rm(join(this.#directory, "used", sha256), { force: true });
  }

  async #copies(): Promise<Copy[]> {
    const root = join(this.#directory, "sha256");
    const copies: Copy[] = [];
    for (const folder of await readdir(root).catch(() => [])) {
      for (const name of await readdir(join(root, folder))) {
        const path = join(root, folder, name);
        const found = await statOf(path);
        if (found === undefined) continue;
        if (name.endsWith(".tmp")) {
          if (Date.now() - found.mtimeMs > TEMPORARY_STALE_MS) await rm(path, { force: true });
          continue;
        }
        const used = await statOf(join(this.#directory, "used", name));
        copies.push({ sha256: name, path, bytes: found.size, usedMs: (used ?? found).mtimeMs });
      }
    }
    return copies;
  }
}

/** Undefined for what another process removed meanwhile. */
async function statOf(
  path: string,
): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
