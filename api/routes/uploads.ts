import { createHash, randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import { rawFileSchema } from "../../schemas/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { checkBodyHeaders, tooLarge } from "../http/body.ts";
import { incomingOf } from "../http/context.ts";
import type { ApiContext } from "../http/context.ts";
import { headerOf } from "../http/headers.ts";
import { auditOf, operator } from "./parts.ts";
import { route } from "./route.ts";
import type { AnyRoute } from "./route.ts";

/** Name of a file relative to --data; kept as data, never used as a path here. */
const uploadNameSchema = z
  .string()
  .min(1)
  .max(512)
  .refine((name) => name.isWellFormed() && !/[\0\r\n]/.test(name), "expected one line of text");

export const uploadRoutes: readonly AnyRoute[] = [
  route({
    method: "put",
    path: "/v1/uploads",
    tag: "runs",
    summary:
      "Store one original file, untouched, under its SHA-256. The reply is what a run's `files` takes.",
    policy: operator,
    query: z.strictObject({ name: uploadNameSchema }),
    body: { kind: "raw", types: ["application/octet-stream"], description: "The file's bytes." },
    reply: rawFileSchema,
    async handle(request, { objects, uploadDir, maxUploadBytes, database }) {
      const { context, query } = request;
      checkBodyHeaders((name) => headerOf(context, name), maxUploadBytes);
      const path = join(uploadDir, randomUUID());
      try {
        const sha256 = await receive(context, path, maxUploadBytes);
        const key = `raw/sha256/${sha256}`;
        await database().retention.useObjects([key]);
        const object = await objects.putFile(key, path);
        await database().audit.append(auditOf(request, "upload", `file/${sha256}`, { name: query.name }));
        return { name: query.name, object };
      } finally {
        await rm(path, { force: true });
      }
    },
  }),
];

/** Streams the body into a file and hashes it; memory stays bounded. @returns SHA-256 as hex */
async function receive(c: ApiContext, path: string, maxBytes: number): Promise<string> {
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
