import { z } from "zod";
import { liveSourceSchema } from "../../../schemas/live/source.ts";
import { nameSchema } from "../../../schemas/names.ts";
import type { LiveSourceRow } from "../../../stores/postgres/port/live.ts";
import { auditOf, checkDeclaredName, found, listOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const sourceParams = z.strictObject({ source: nameSchema });
const sourceReply = z.strictObject({
  source: nameSchema,
  version: z.int(),
  sha256: z.string(),
  declaredBy: z.string(),
  declaredAt: z.string(),
  retiredAt: z.string().nullable().describe("Since when it takes no readings; null: it does."),
  document: z.record(z.string(), z.unknown()),
});

const replyOf = ({ document, version, sha256, actor, createdAt, retiredAt }: LiveSourceRow) => ({
  source: document.name,
  version,
  sha256,
  declaredBy: actor,
  declaredAt: createdAt,
  retiredAt,
  document,
});

/** Declared live sources: the registry of what may come in. */
export const liveSourceRoutes: readonly AnyRoute[] = [
  route({
    method: "put",
    path: "/v1/sources/{source}",
    tag: "readings",
    summary:
      "Declare a live source, or a new version of it: columns may be added at the end, and what is said about values may change.",
    policy: operator,
    params: sourceParams,
    body: { kind: "json", schema: liveSourceSchema },
    reply: sourceReply.extend({ isNew: z.boolean() }),
    async handle({ params, body, actor }, { database, readings }) {
      checkDeclaredName("source", { path: params.source, body: body.name });
      const row = await database().liveSources.put(body, actor);
      readings.sourceChanged(body.name);
      return { ...replyOf(row), isNew: row.isNew };
    },
  }),
  route({
    method: "get",
    path: "/v1/sources",
    tag: "readings",
    summary:
      "Live sources, each in its newest version; with `retired=true` also those that take no readings.",
    policy: viewer,
    query: z.strictObject({ retired: z.enum(["true", "false"]).default("false") }),
    reply: listOf(sourceReply),
    handle: async ({ query }, { database }) => ({
      items: (await database().liveSources.list({ hasRetired: query.retired === "true" })).map(replyOf),
    }),
  }),
  route({
    method: "get",
    path: "/v1/sources/{source}",
    tag: "readings",
    summary: "A live source in its newest version.",
    policy: viewer,
    params: sourceParams,
    reply: sourceReply,
    handle: async ({ params: { source } }, { database }) =>
      replyOf(found(await database().liveSources.get(source), "source", source)),
  }),
  route({
    method: "delete",
    path: "/v1/sources/{source}",
    tag: "readings",
    summary:
      "Retire a live source that no feed fills and no alert rule names: it takes no readings, and keeps those it has. A new version brings it back.",
    policy: operator,
    params: sourceParams,
    reply: sourceReply,
    async handle(request, { database, readings }) {
      const { source } = request.params;
      const row = await database().liveSources.retire(
        source,
        auditOf(request, "source.retire", `source/${source}`),
      );
      readings.sourceChanged(source);
      return replyOf(row);
    },
  }),
  route({
    method: "get",
    path: "/v1/sources/{source}/versions",
    tag: "readings",
    summary: "All versions of a live source, newest first.",
    policy: viewer,
    params: sourceParams,
    reply: listOf(sourceReply),
    handle: async ({ params: { source } }, { database }) => ({
      items: (await database().liveSources.versions(source)).map(replyOf),
    }),
  }),
];
