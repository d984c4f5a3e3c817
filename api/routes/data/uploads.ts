import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { rawFileSchema } from "../../../schemas/data/dataset.ts";
import { checkBodyHeaders } from "../../http/body.ts";
import { headerOf } from "../../http/headers.ts";
import { auditOf, operator } from "../parts.ts";
import { receiveFile } from "../received-file.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

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
        const sha256 = await receiveFile(context, path, maxUploadBytes);
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
