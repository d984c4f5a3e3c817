import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { ObjectRef } from "../schemas/object-ref.ts";

/**
 * Reads a local file once, for the raw object that its bytes are; memory stays bounded.
 *
 * @throws {Error} as reading does; the reason of `signal`
 */
export async function rawObjectOf(path: string, signal?: AbortSignal): Promise<ObjectRef> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.length;
  }
  const sha256 = hash.digest("hex");
  return { key: `raw/sha256/${sha256}`, sha256, bytes };
}
