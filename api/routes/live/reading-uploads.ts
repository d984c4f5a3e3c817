import { randomBytes, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { requireTaking } from "../../../intake/reading-intake.ts";
import { sha256Hex } from "../../../schemas/canonical-json.ts";
import { intakeCountsSchema } from "../../../schemas/live/intake.ts";
import { spanMs, spanSchema } from "../../../schemas/live/source.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { UPLOAD_STATES } from "../../../stores/postgres/port/reading-uploads.ts";
import type { ReadingUploadRow } from "../../../stores/postgres/port/reading-uploads.ts";
import { checkBodyHeaders } from "../../http/body.ts";
import { headerOf } from "../../http/headers.ts";
import { auditOf, found, idParams, limitQuery, listOf, operator, viewer } from "../parts.ts";
import { receiveFile } from "../received-file.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const FILE_NAME = /^[^\0\r\n]{1,200}\.(csv|jsonl|ndjson|parquet)(\.gz)?$/i;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const GIB = 2 ** 30;

const uploadSchema = z.strictObject({
  id: z.string(),
  source: nameSchema,
  fileName: z.string(),
  maxBytes: z.int(),
  state: z.enum(UPLOAD_STATES),
  expiresAt: z.string(),
  createdBy: z.string(),
  createdAt: z.string(),
  bytes: z.int().nullable(),
  sha256: z.string().nullable(),
  rows: z.int().describe("Rows of the file that are through."),
  counts: intakeCountsSchema.partial(),
  message: z.string().nullable(),
  endedAt: z.string().nullable(),
});
type Upload = z.infer<typeof uploadSchema>;

/** Files of readings from devices that have no key: a ticket is a URL that takes one file. */
export const readingUploadRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/readings/uploads",
    tag: "readings",
    summary: "A URL to which a device may PUT one file of readings without a key, until it expires.",
    policy: operator,
    body: {
      kind: "json",
      schema: z.strictObject({
        source: nameSchema,
        fileName: z
          .string()
          .regex(FILE_NAME, "expected a name that ends with .csv, .jsonl or .parquet, also .gz"),
        maxBytes: z
          .int()
          .min(1)
          .max(10 * GIB)
          .default(GIB),
        expiresIn: spanSchema.default("1h").describe("At most 7 days."),
      }),
    },
    reply: z.strictObject({ upload: uploadSchema, url: z.string() }),
    status: 201,
    async handle(request, { database }) {
      const { source, fileName, maxBytes, expiresIn } = request.body;
      const lifetime = spanMs(expiresIn);
      if (lifetime > 7 * 86_400_000)
        throw new PlatformError("invalid_body", "make upload [expiresIn]: expected at most 7d");
      const declared = found(await database().liveSources.get(source), "source", source);
      requireTaking(declared);
      const { sourceKey } = declared;
      const secret = randomBytes(32).toString("base64url");
      const id = randomUUID();
      const row = await database().readingUploads.create(
        {
          id,
          secretSha256: sha256Hex(secret),
          sourceKey,
          fileName,
          maxBytes,
          expiresAt: new Date(Date.now() + lifetime).toISOString(),
        },
        auditOf(request, "readings.upload", `upload/${id}`, { source, fileName, maxBytes }),
      );
      return { upload: shown(row), url: `/uploads/${secret}` };
    },
  }),
  route({
    method: "put",
    path: "/uploads/{secret}",
    tag: "readings",
    summary:
      "The file of a ticket. The URL is the permission; the same file may be sent again, another may not.",
    policy: { role: "operator", scope: "any", public: true },
    params: z.strictObject({ secret: z.string().regex(SECRET, "expected the URL that was given") }),
    body: { kind: "raw", types: ["application/octet-stream"], description: "The file's bytes." },
    reply: uploadSchema,
    status: 202,
    async handle({ params, context }, { database, objects, uploadDir, workflows }) {
      const ticket = await database().readingUploads.bySecret(sha256Hex(params.secret));
      // An expired ticket is told apart from none only by those who hold it.
      const { id, maxBytes, expiresAt } = found(ticket, "upload");
      if (Date.parse(expiresAt) < Date.now())
        throw new PlatformError("conflict", "receive upload: the ticket has expired");
      checkBodyHeaders((name) => headerOf(context, name), maxBytes);
      const path = join(uploadDir, randomUUID());
      try {
        const sha256 = await receiveFile(context, path, maxBytes);
        const key = `raw/sha256/${sha256}`;
        await database().retention.useObjects([key]);
        const row = await database().readingUploads.received(id, await objects.putFile(key, path));
        if (row.state === "received") await workflows.startReadingsUpload(id);
        return shown(row);
      } finally {
        await rm(path, { force: true });
      }
    },
  }),
  route({
    method: "get",
    path: "/v1/readings/uploads",
    tag: "readings",
    summary: "Tickets and what became of their files, newest first.",
    policy: viewer,
    query: z.strictObject({ limit: limitQuery() }),
    reply: listOf(uploadSchema),
    handle: async ({ query }, { database }) => ({
      items: (await database().readingUploads.list(query)).map(shown),
    }),
  }),
  route({
    method: "get",
    path: "/v1/readings/uploads/{id}",
    tag: "readings",
    summary: "A ticket and what became of its file.",
    policy: viewer,
    params: idParams,
    reply: uploadSchema,
    handle: async ({ params: { id } }, { database }) =>
      shown(found(await database().readingUploads.get(id), "upload", id)),
  }),
];

function shown({ object, ...row }: ReadingUploadRow): Upload {
  return { ...row, bytes: object?.bytes ?? null, sha256: object?.sha256 ?? null };
}
