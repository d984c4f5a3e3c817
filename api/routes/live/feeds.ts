import { z } from "zod";
import { feedSchema, FEED_STATES } from "../../../schemas/live/feed.ts";
import { nameSchema } from "../../../schemas/names.ts";
import type { FeedRow } from "../../../stores/postgres/port/feeds.ts";
import { admin, auditOf, checkDeclaredName, found, limitQuery, listOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const feedParams = z.strictObject({ feed: nameSchema });
const feedReply = z.strictObject({
  feed: nameSchema,
  source: nameSchema,
  kind: z.string(),
  state: z.enum(FEED_STATES),
  reason: z.string().nullable().describe("Why it fails or waits."),
  position: z
    .json()
    .describe("Behind what is stored, in the terms of its kind; null: the other side keeps it."),
  waiting: z.int().nullable().describe("Messages behind the position; null: the other side does not say."),
  messages: z.int().describe("Messages since it was declared."),
  lastBatchAt: z.string().nullable(),
  declaredBy: z.string(),
  changedAt: z.string(),
  document: z.record(z.string(), z.unknown()),
});

/** The ingestor speaks of each feed every few seconds. */
const SILENT_MS = 30_000;

function replyOf(row: FeedRow) {
  const { state, reason } = stateOf(row);
  return {
    feed: row.feed,
    source: row.document.source,
    kind: row.document.from.kind,
    state,
    reason,
    position: row.position,
    waiting: row.nWaiting,
    messages: row.nMessages,
    lastBatchAt: row.lastBatchAt,
    declaredBy: row.actor,
    changedAt: row.changedAt,
    document: row.document,
  };
}

/** What the ingestor said last, unless it no longer says anything. */
function stateOf({ isPaused, state, reason, at }: FeedRow): Pick<FeedRow, "state" | "reason"> {
  if (isPaused) return { state: "paused", reason: null };
  const isHeard = at !== null && Date.now() - Date.parse(at) < SILENT_MS;
  if (isHeard && state !== "paused") return { state, reason };
  return { state: "waiting", reason: isHeard ? null : "no ingestor has taken it up" };
}

/** Feeds: where readings come from other than over HTTP. */
export const feedRoutes: readonly AnyRoute[] = [
  route({
    method: "put",
    path: "/v1/feeds/{feed}",
    tag: "readings",
    summary:
      "Declare a feed, or change it: it goes on behind what is stored. Secrets are references, never values.",
    // It makes the ingestor connect to where it says, with the ingestor's rights.
    policy: admin,
    params: feedParams,
    body: { kind: "json", schema: feedSchema },
    reply: feedReply.extend({ isNew: z.boolean() }),
    async handle({ params, body, actor }, { database }) {
      checkDeclaredName("feed", { path: params.feed, body: body.name });
      const row = await database().feeds.put(body, actor);
      return { ...replyOf(row), isNew: row.isNew };
    },
  }),
  route({
    method: "get",
    path: "/v1/feeds",
    tag: "readings",
    summary: "Feeds and what they do now.",
    policy: viewer,
    reply: listOf(feedReply),
    handle: async (_, { database }) => ({ items: (await database().feeds.list()).map(replyOf) }),
  }),
  route({
    method: "get",
    path: "/v1/feeds/{feed}",
    tag: "readings",
    summary: "A feed and what it does now.",
    policy: viewer,
    params: feedParams,
    reply: feedReply,
    handle: async ({ params: { feed } }, { database }) =>
      replyOf(found(await database().feeds.get(feed), "feed", feed)),
  }),
  ...([true, false] as const).map((isPaused) =>
    route({
      method: "post",
      path: `/v1/feeds/{feed}/${isPaused ? "pause" : "resume"}`,
      tag: "readings",
      summary: isPaused
        ? "Stop a feed behind what is stored. What comes meanwhile waits on the other side."
        : "Let a feed go on behind what is stored.",
      policy: operator,
      params: feedParams,
      reply: feedReply,
      async handle(request, { database }) {
        const { feed } = request.params;
        const entry = auditOf(request, isPaused ? "feed.pause" : "feed.resume", `feed/${feed}`);
        return replyOf(found(await database().feeds.setPaused(feed, isPaused, entry), "feed", feed));
      },
    }),
  ),
  route({
    method: "delete",
    path: "/v1/feeds/{feed}",
    tag: "readings",
    summary: "Remove a feed and its position. Its readings stay.",
    policy: admin,
    params: feedParams,
    status: 204,
    reply: z.null(),
    async handle(request, { database }) {
      const { feed } = request.params;
      const isRemoved = await database().feeds.remove(feed, auditOf(request, "feed.remove", `feed/${feed}`));
      found(isRemoved || undefined, "feed", feed);
      return null;
    },
  }),
  route({
    method: "get",
    path: "/v1/stale-assets",
    tag: "readings",
    summary:
      "Assets that a last will said farewell for and that were not heard of since, longest silent first.",
    policy: viewer,
    query: z.strictObject({ source: nameSchema.optional(), limit: limitQuery(100) }),
    reply: listOf(
      z.strictObject({ asset: z.string(), source: nameSchema, since: z.string(), reason: z.string() }),
    ),
    handle: async ({ query: { source, limit } }, { database }) => ({
      items: await database().staleAssets.list({ limit, ...(source === undefined ? {} : { source }) }),
    }),
  }),
];
