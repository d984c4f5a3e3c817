import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { holdingFetched } from "../../stores/objects/fetch-scope.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";

/** The bytes as they are read. Opened while they are held: what is open outlives its eviction from the cache. */
export async function streamObject(objects: ObjectStore, ref: ObjectRef, type: string): Promise<Response> {
  const file = await holdingFetched(async () => open(await objects.fetch(ref), "r"));
  const bytes = Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>;
  return new Response(bytes, { headers: { "content-type": type, "content-length": String(ref.bytes) } });
}
