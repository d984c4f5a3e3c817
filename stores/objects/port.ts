import type { ObjectRef } from "../../schemas/object-ref.ts";

/**
 * Write-once store of originals, Parquet parts, models, reports and logs.
 *
 * Guarantees of every adapter (held by one contract suite):
 * - put-if-absent: a key is written whole or not at all, and never overwritten; a second put of the same bytes
 *   is a success, of other bytes under the same key a PlatformError `conflict`.
 * - `get` and `fetch` verify the SHA-256 of the ref and throw PlatformError `integrity` on a mismatch.
 * - An unreachable or full store throws PlatformError `objects_unavailable`, with the cause kept.
 * - Keys are server-made (`schemas/object-ref.ts`); a key outside the allow-list throws before any I/O.
 */
export interface ObjectStore {
  /** Human-readable root, e.g. `file:///…` or `s3://bucket/prefix`; holds no secrets. */
  readonly root: string;
  put(key: string, bytes: Uint8Array): Promise<ObjectRef>;
  /** Streams a local file; memory stays bounded whatever its size. */
  putFile(key: string, path: string): Promise<ObjectRef>;
  /** Whole object in memory; refuses more than `maxBytes` (default 64 MiB). */
  get(ref: ObjectRef, maxBytes?: number): Promise<Uint8Array>;
  /**
   * Path of a verified local file that DuckDB and Arrow read: a copy in the content-addressed cache, or the
   * stored file itself where the store is a local folder. Never write to it. It stays there until the work around
   * (`holdingFetched`) ends, without one until the process ends.
   */
  fetch(ref: ObjectRef): Promise<string>;
  /** Ref of a stored key, or undefined; the hash comes from stored metadata or the key. */
  head(key: string): Promise<ObjectRef | undefined>;
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly bytes: number }>;
  delete(key: string): Promise<void>;
  /** Cheap read and write check for readiness; throws when the store cannot be used. */
  probe(): Promise<void>;
}
