import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { CacheBound } from "./cache-bound.ts";
import { CacheHolds } from "./cache-holds.ts";
import { whenScopeEnds } from "./fetch-scope.ts";
import { asObjectError, errnoOf, integrityError } from "./object-errors.ts";
import { openPlainFile, stampOf, writeNewFile } from "./plain-file.ts";
import { VerifiedFiles } from "./verified-files.ts";

/**
 * Verified local copies of remote objects, named by their SHA-256, shared by every process of a machine.
 *
 * A copy is hashed when it is written and once more by each process that first meets it (`VerifiedFiles`). One
 * that is wrong or has another name in the file system is thrown away and fetched anew. Above `maxBytes` the copies used
 * longest ago go, never one that is in use (`fetch-scope.ts`); more than that is kept only while it is all in use.
 */
export class LocalCache {
  readonly #directory: string;
  readonly #verified = new VerifiedFiles();
  readonly #underway = new Map<string, Promise<string>>();
  readonly #holds: CacheHolds;
  readonly #bound: CacheBound;

  constructor(directory: string, maxBytes = Number.MAX_SAFE_INTEGER) {
    this.#directory = directory;
    this.#holds = new CacheHolds(directory);
    this.#bound = new CacheBound(directory, { maxBytes, holds: this.#holds });
  }

  /**
   * Path of the verified copy; `read` is called only when there is none. Callers in one process share one fetch.
   *
   * @throws {PlatformError} integrity when `read` gives other bytes than the ref names
   * @throws {PlatformError} objects_unavailable when the cache's disk is full
   */
  async path(ref: ObjectRef, read: () => Promise<AsyncIterable<Uint8Array>>): Promise<string> {
    try {
      // Before the copy is looked for: from then on it stays.
      await this.#holds.hold(ref.sha256);
    } catch (error) {
      throw asObjectError(`hold object [${ref.key}]`, error);
    }
    try {
      const path = await this.#shared(ref, read);
      whenScopeEnds(() => this.#holds.release(ref.sha256));
      return path;
    } catch (error) {
      await this.#holds.release(ref.sha256);
      throw error;
    }
  }

  async #shared(ref: ObjectRef, read: () => Promise<AsyncIterable<Uint8Array>>): Promise<string> {
    const waiting = this.#underway.get(ref.sha256);
    if (waiting !== undefined) return waiting;
    const work = this.#obtain(ref, read).finally(() => this.#underway.delete(ref.sha256));
    this.#underway.set(ref.sha256, work);
    return work;
  }

  async #obtain(ref: ObjectRef, read: () => Promise<AsyncIterable<Uint8Array>>): Promise<string> {
    const path = join(this.#directory, "sha256", ref.sha256.slice(0, 2), ref.sha256);
    try {
      await this.#bound.touch(ref.sha256);
      if (await this.#isVerified(ref, path)) return path;
      await this.#bound.makeRoom(ref.bytes);
      const temporary = `${path}.${randomUUID()}.tmp`;
      const written = await writeNewFile(temporary, await read());
      if (written.sha256 !== ref.sha256 || written.bytes !== ref.bytes) {
        await rm(temporary, { force: true });
        throw integrityError(ref.key, ref.sha256, written.sha256);
      }
      await rename(temporary, path);
      await this.#remember(ref.sha256, path);
      return path;
    } catch (error) {
      throw asObjectError(`fetch object [${ref.key}]`, error);
    }
  }

  async #isVerified(ref: ObjectRef, path: string): Promise<boolean> {
    let handle;
    try {
      handle = await openPlainFile(path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ELOOP") return false;
      throw error;
    }
    try {
      const stamp = await stampOf(handle);
      if (stamp.links !== 1 || stamp.bytes !== ref.bytes) return false;
      return (await this.#verified.sha256Of(path, handle)) === ref.sha256;
    } finally {
      await handle.close();
    }
  }

  async #remember(sha256: string, path: string): Promise<void> {
    const handle = await openPlainFile(path);
    try {
      await this.#verified.remember(path, handle, sha256);
    } finally {
      await handle.close();
    }
  }
}
