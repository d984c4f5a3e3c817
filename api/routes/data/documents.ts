import { z } from "zod";
import { rawFileSchema } from "../../../schemas/data/dataset.ts";
import type { RawFile } from "../../../schemas/data/dataset.ts";
import { sha256Hex } from "../../../schemas/canonical-json.ts";
import { dataIdSchema } from "../../../schemas/names.ts";
import { objectRefSchema } from "../../../schemas/object-ref.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import { DOCUMENT_KINDS } from "../../../stores/postgres/port/documents.ts";
import type { ApiDeps } from "../../deps.ts";
import { streamObject } from "../object-body.ts";
import { auditOf, found, limitQuery, listOf, operator, timeQuery, viewer } from "../parts.ts";
import { checkRawFiles } from "../raw-files.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const TEXT_TYPES = /^(text\/[a-z0-9.+-]{1,60}|application\/(json|xml|x-ndjson))$/;
const mediaTypeSchema = z
  .string()
  .regex(/^[a-z]{1,20}\/[a-z0-9.+-]{1,80}$/, "expected a media type such as text/plain or application/pdf");
const MAX_TEXT_CHARACTERS = 4_000_000;
/** Of a file that is text so much is searched. */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

const documentSchema = z.strictObject({
  id: z.int(),
  title: z.string(),
  kind: z.enum(DOCUMENT_KINDS),
  at: z.string(),
  assets: z.array(z.string()),
  object: objectRefSchema,
  mediaType: z.string(),
  actor: z.string(),
  createdAt: z.string(),
});
const documentParams = z.strictObject({
  id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
});

/** Maintenance reports and logs about assets. */
export const documentRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/documents",
    tag: "documents",
    summary:
      "Keep a report or a log about assets: its text, or a file that was uploaded before. Files that are text are searched, others by their title.",
    policy: operator,
    body: {
      kind: "json",
      limitBytes: 2 * MAX_TEXT_CHARACTERS,
      schema: z
        .strictObject({
          title: z.string().min(1).max(300),
          kind: z.enum(DOCUMENT_KINDS).default("report"),
          at: timeQuery.optional().describe("When what it tells of happened; default: now."),
          assets: z.array(dataIdSchema).max(1_000).default([]),
          text: z.string().min(1).max(MAX_TEXT_CHARACTERS).optional(),
          file: rawFileSchema.optional().describe("Reply of PUT /v1/uploads."),
          mediaType: mediaTypeSchema.default("text/plain"),
        })
        .refine(
          ({ text, file }) => (text === undefined) !== (file === undefined),
          "expected either text or file",
        ),
    },
    reply: documentSchema,
    status: 201,
    async handle(request, deps) {
      const { title, kind, at, assets, text, file, mediaType } = request.body;
      const { object, body } =
        file === undefined ? await ofText(text ?? "", deps) : await ofFile(file, mediaType, deps);
      const document = { title, kind, at: at ?? new Date().toISOString(), assets, object, mediaType, body };
      return deps
        .database()
        .documents.add(
          document,
          auditOf(request, "document.add", "document", { title, kind, assets: assets.length }),
        );
    },
  }),
  route({
    method: "get",
    path: "/v1/documents",
    tag: "documents",
    summary: "Reports and logs: best first where words are asked for, else newest first.",
    policy: viewer,
    query: z.strictObject({
      q: z
        .string()
        .min(1)
        .max(500)
        .optional()
        .describe('Words that must all be there; "two words" together, -word absent.'),
      asset: dataIdSchema.optional(),
      kind: z.enum(DOCUMENT_KINDS).optional(),
      limit: limitQuery(),
      offset: z.coerce.number().int().min(0).max(100_000).default(0),
    }),
    reply: listOf(documentSchema.extend({ excerpt: z.string().nullable() })),
    handle: async ({ query: { q, asset, kind, limit, offset } }, { database }) => ({
      items: await database().documents.search({
        limit,
        offset,
        ...(q === undefined ? {} : { words: q }),
        ...(asset === undefined ? {} : { asset }),
        ...(kind === undefined ? {} : { kind }),
      }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/documents/{id}",
    tag: "documents",
    summary: "One report or log, with its text.",
    policy: viewer,
    params: documentParams,
    reply: documentSchema.extend({ body: z.string() }),
    handle: async ({ params: { id } }, { database }) =>
      found(await database().documents.get(id), "document", String(id)),
  }),
  route({
    method: "get",
    path: "/v1/documents/{id}/file",
    tag: "documents",
    summary: "The file as it came.",
    policy: viewer,
    params: documentParams,
    reply: z.string(),
    async handle({ params: { id } }, { database, objects }) {
      const { object } = found(await database().documents.get(id), "document", String(id));
      // Never as what it says it is: a page of somebody else's must not run here.
      const response = await streamObject(objects, object, "application/octet-stream");
      response.headers.set("content-disposition", `attachment; filename="document-${id}"`);
      return response;
    },
  }),
  route({
    method: "delete",
    path: "/v1/documents/{id}",
    tag: "documents",
    summary: "Remove a report or log.",
    policy: operator,
    params: documentParams,
    status: 204,
    reply: z.null(),
    async handle(request, { database }) {
      const { id } = request.params;
      await database().documents.remove(id, auditOf(request, "document.remove", `document/${id}`));
      return null;
    },
  }),
];

interface Content {
  readonly object: ObjectRef;
  readonly body: string;
}

async function ofText(text: string, { objects, database }: ApiDeps): Promise<Content> {
  const bytes = Buffer.from(text, "utf8");
  const key = `raw/sha256/${sha256Hex(bytes)}`;
  await database().retention.useObjects([key]);
  return { object: await objects.put(key, bytes), body: text };
}

async function ofFile({ name, object }: RawFile, mediaType: string, deps: ApiDeps): Promise<Content> {
  await checkRawFiles(deps, [{ name, object }]);
  return { object, body: TEXT_TYPES.test(mediaType) ? await textOf(deps.objects, object) : "" };
}

async function textOf(objects: ObjectStore, object: ObjectRef): Promise<string> {
  if (object.bytes > MAX_TEXT_BYTES) return "";
  const text = Buffer.from(await objects.get(object, MAX_TEXT_BYTES)).toString("utf8");
  return text.slice(0, MAX_TEXT_CHARACTERS);
}
