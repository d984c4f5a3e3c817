import { randomUUID } from "node:crypto";
import { access, mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf } from "./object-errors.ts";

/** A process that holds files says so at least this often; one that has not for `DEAD_AFTER_MS` is gone. */
const SIGN_OF_LIFE_MS = 30_000;
const DEAD_AFTER_MS = 5 * 60_000;
/** Checking one file and removing it takes milliseconds; a mark this old was left by a crash. */
const MARK_STALE_MS = 60_000;
const POLL_MS = 10;

/**
 * Which cached files are in use, by any process of the machine, in the file system itself:
 *
 *     held/<process>/<sha256>   an empty file while that process uses the copy; the folder's time is its sign of life
 *     evicting/<sha256>         an empty file while some process removes the copy
 *
 * A reader writes its hold and then looks for the mark; an evictor writes its mark and then looks for holds. Whichever
 * is second sees the other, so no file goes between a reader's look and its use, without a lock that a crash would leave.
 * Process ids are of no use here: containers that share the folder count each for itself.
 */
export class CacheHolds {
  readonly #root: string;
  readonly #own: string;
  readonly #held = new Map<string, { count: number; settled: Promise<unknown> }>();
  #signs: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.#root = directory;
    this.#own = join(directory, "held", randomUUID());
  }

  /** From here on no process removes the copy; waits for one that is just doing so. Holds of one file are counted. */
  async hold(sha256: string): Promise<void> {
    const entry = this.#held.get(sha256) ?? { count: 0, settled: Promise.resolve() };
    this.#held.set(sha256, entry);
    entry.count += 1;
    // After the removal of an earlier hold's file, never beside it.
    if (entry.count === 1) entry.settled = entry.settled.then(() => this.#write(sha256));
    try {
      await entry.settled;
      await this.#untilUnmarked(sha256);
    } catch (error) {
      await this.release(sha256).catch(() => undefined);
      throw error;
    }
  }

  async release(sha256: string): Promise<void> {
    const entry = this.#held.get(sha256);
    if (entry === undefined) return;
    entry.count -= 1;
    if (entry.count > 0) return;
    const remove = () => rm(join(this.#own, sha256), { force: true });
    entry.settled = entry.settled.then(remove, remove);
    await entry.settled;
    if (entry.count === 0) this.#held.delete(sha256);
    if (this.#held.size === 0) {
      clearInterval(this.#signs);
      this.#signs = undefined;
    }
  }

  /** Removes a copy through `remove` unless somebody holds it, or another process is at it. */
  async evict(sha256: string, remove: () => Promise<void>): Promise<boolean> {
    const mark = this.#markOf(sha256);
    await mkdir(join(this.#root, "evicting"), { recursive: true });
    try {
      await writeFile(mark, "", { flag: "wx" });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      if (await isOlder(mark, MARK_STALE_MS)) await rm(mark, { force: true });
      return false;
    }
    try {
      if (await this.#isHeld(sha256)) return false;
      await remove();
      return true;
    } finally {
      await rm(mark, { force: true });
    }
  }

  async #write(sha256: string): Promise<void> {
    await mkdir(this.#own, { recursive: true });
    await writeFile(join(this.#own, sha256), "");
    this.#signs ??= setInterval(() => void this.#sign(), SIGN_OF_LIFE_MS).unref();
  }

  async #sign(): Promise<void> {
    const now = new Date();
    // A folder that was cleared away comes back with the next hold.
    await utimes(this.#own, now, now).catch(() => undefined);
  }

  async #isHeld(sha256: string): Promise<boolean> {
    for (const name of await readdir(join(this.#root, "held")).catch(() => [])) {
      const folder = join(this.#root, "held", name);
      const isDead = folder !== this.#own && (await isOlder(folder, DEAD_AFTER_MS));
      if (isDead) await rm(folder, { recursive: true, force: true });
      else if (await exists(join(folder, sha256))) return true;
    }
    return false;
  }

  async #untilUnmarked(sha256: string): Promise<void> {
    const mark = this.#markOf(sha256);
    while (await exists(mark)) {
      if (await isOlder(mark, MARK_STALE_MS)) await rm(mark, { force: true });
      else await delay(POLL_MS);
    }
  }

  #markOf(sha256: string): string {
    return join(this.#root, "evicting", sha256);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function isOlder(path: string, ms: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ms;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
