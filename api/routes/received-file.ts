import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { PlatformError } from "../../schemas/platform-error.ts";
import { tooLarge } from "../http/body.ts";
import { incomingOf } from "../http/context.ts";
import type { ApiContext } from "../http/context.ts";

/** Streams the body into a file and hashes it; memory stays bounded. @returns SHA-256 as hex */
export async function receiveFile(c: ApiContext, path: string, maxBytes: number): Promise<string> {
  const hash = createHash("sha256");
  const body = incomingOf(c) ?? Readable.fromWeb((c.req.raw.body ?? new Blob([]).stream()) as never);
  let nBytes = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      nBytes += chunk.length;
      if (nBytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
    }
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    const isFull =
      cause instanceof Error && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT");
    throw new PlatformError(isFull ? "objects_unavailable" : "invalid_body", "receive upload: cut off", {
      cause,
    });
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}
