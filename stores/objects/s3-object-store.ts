import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { integrityError } from "./object-errors.ts";
import { checkKey, checkPrefix, checkRawKey } from "./object-key.ts";
import type { LocalCache } from "./local-cache.ts";
import { hashFile } from "./plain-file.ts";
import type { ObjectStore } from "./port.ts";
import type { S3Client } from "./s3-client.ts";

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** Files up to this size go in one request, larger ones in parts. */
const SINGLE_PUT_BYTES = 16 * 1024 * 1024;
const PROBE_KEY = "logs/probe/ready";
const PROBE_TIMEOUT_MS = 1_500;

export interface S3Settings {
  /** Server that is not AWS. */
  readonly endpoint?: string;
  readonly region?: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly forcePathStyle?: boolean;
  /** Milliseconds until a request without any answer fails; default 30 000. */
  readonly requestTimeoutMs?: number;
  /** Attempts of one request; default 4. */
  readonly maxAttempts?: number;
}

export interface S3Location extends S3Settings {
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
}

/**
 * Objects in one bucket of an S3 server, under a prefix.
 *
 * Put-if-absent is the server's own (`If-None-Match: *`, also on the completion of a multipart upload), so it
 * holds between hosts. The SHA-256 is stored as metadata and, where one request carries the whole object, sent as
 * a checksum that the server verifies. The SDK is loaded at the first call: a file store never pays for it.
 */
export class S3ObjectStore implements ObjectStore {
  readonly root: string;
  readonly #location: S3Location;
  readonly #cache: LocalCache;
  #client: Promise<S3Client> | undefined;

  constructor(location: S3Location, cache: LocalCache) {
    const { bucket, prefix } = location;
    this.root = prefix === "" ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.#location = location;
    this.#cache = cache;
  }

  async put(key: string, bytes: Uint8Array): Promise<ObjectRef> {
    checkKey(key);
    const ref = { key, sha256: sha256Hex(bytes), bytes: bytes.byteLength };
    checkRawKey(key, ref.sha256);
    const client = await this.#open();
    return this.#settle(ref, await client.putIfAbsent(key, bytes, ref.sha256));
  }

  async putFile(key: string, path: string): Promise<ObjectRef> {
    checkKey(key);
    const { size } = await stat(path);
    if (size <= SINGLE_PUT_BYTES) return this.put(key, await readFile(path));
    // Hashed first: metadata goes with the first request. The upload is hashed again by whoever reads it.
    const ref = { key, ...(await hashFile(path)) };
    checkRawKey(key, ref.sha256);
    const client = await this.#open();
    return this.#settle(ref, await client.uploadIfAbsent(key, createReadStream(path), ref.sha256));
  }

  async get(ref: ObjectRef, maxBytes = DEFAULT_MAX_BYTES): Promise<Uint8Array> {
    if (ref.bytes > maxBytes) {
      throw new PlatformError(
        "body_too_large",
        `get object [${ref.key}]: expected at most ${maxBytes} bytes, got ${ref.bytes}`,
      );
    }
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of await this.#read(ref)) {
      received += chunk.byteLength;
      if (received > ref.bytes) break;
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    const found = sha256Hex(bytes);
    if (received !== ref.bytes || found !== ref.sha256) throw integrityError(ref.key, ref.sha256, found);
    return bytes;
  }

  fetch(ref: ObjectRef): Promise<string> {
    checkKey(ref.key);
    return this.#cache.path(ref, () => this.#read(ref));
  }

  async head(key: string): Promise<ObjectRef | undefined> {
    checkKey(key);
    const client = await this.#open();
    const found = await client.head(key);
    if (found === undefined) return undefined;
    if (found.sha256 !== undefined) return { key, sha256: found.sha256, bytes: found.bytes };
    throw new PlatformError("integrity", `head object [${key}]: it has no stored SHA-256`);
  }

  async *list(prefix: string): AsyncIterable<{ readonly key: string; readonly bytes: number }> {
    checkPrefix(prefix);
    const client = await this.#open();
    yield* client.list(prefix);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    const client = await this.#open();
    await client.delete(key);
  }

  async probe(): Promise<void> {
    const client = await this.#open();
    await client.overwrite(PROBE_KEY, new Uint8Array([1]), PROBE_TIMEOUT_MS);
  }

  async #read(ref: ObjectRef): Promise<AsyncIterable<Uint8Array>> {
    checkKey(ref.key);
    const client = await this.#open();
    return translated(ref.key, await client.read(ref.key));
  }

  /** After a put: the key was free, or holds the same bytes, or it is a conflict. */
  async #settle(ref: ObjectRef, outcome: "created" | "present"): Promise<ObjectRef> {
    if (outcome === "created") return ref;
    const present = await this.head(ref.key);
    if (present?.sha256 === ref.sha256 && present.bytes === ref.bytes) return ref;
    throw new PlatformError(
      "conflict",
      `put object [${ref.key}]: exists with SHA-256 ${present?.sha256 ?? "unknown"}, got ${ref.sha256}`,
    );
  }

  #open(): Promise<S3Client> {
    this.#client ??= import("./s3-client.ts").then(({ S3Client: Client }) => new Client(this.#location));
    return this.#client;
  }
}

/** A body that breaks off in the middle is the store's failure, not the reader's. */
async function* translated(key: string, body: Readable): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    if (isPlatformError(error)) throw error;
    throw new PlatformError("objects_unavailable", `read object [${key}]: the answer broke off`, {
      cause: error,
    });
  } finally {
    body.destroy();
  }
}
