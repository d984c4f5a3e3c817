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

/** A report has its styles in it and nothing else that a browser would run or fetch. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/** An HTML page that was stored as an object. */
export async function streamPage(objects: ObjectStore, ref: ObjectRef): Promise<Response> {
  const page = await streamObject(objects, ref, "text/html; charset=utf-8");
  page.headers.set("content-security-policy", PAGE_POLICY);
  return page;
}

/** An HTML page that was made for this request. */
export function pageReply(html: string): Response {
  const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": PAGE_POLICY };
  return new Response(html, { headers });
}
