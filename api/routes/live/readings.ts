import { z } from "zod";
import { intakeCountsSchema, intakeReplySchema } from "../../../schemas/live/intake.ts";
import type { LiveSource } from "../../../schemas/live/source.ts";
import type { IntakeReply } from "../../../schemas/live/intake.ts";
import { formatIsoMicros, parseIsoMicros } from "../../../schemas/text/iso-time.ts";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import { objectRefSchema } from "../../../schemas/object-ref.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import type { LiveSourceRow, ReadingConflict, ReadingCursor } from "../../../stores/postgres/port/live.ts";
import { BodyBudget } from "../../readings/body-budget.ts";
import { shownReading } from "../../readings/shown-reading.ts";
import { readingsAsCsv, readingsAsParquet } from "../../export/readings-export.ts";
import { readSentReadings, READING_TYPES } from "../../readings/sent-readings.ts";
import { found, limitQuery, listOf, operator, timeQuery, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const readingSchema = z.strictObject({
  asset: z.string(),
  source: nameSchema,
  time: z.union([z.string(), z.number()]),
  epoch: z.int(),
  seq: z.int(),
  values: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
});
const pageSchema = z.strictObject({
  items: z.array(readingSchema),
  next: z.string().nullable().describe("Cursor of the next page; null: this is the last."),
});
const conflictSchema = readingSchema.omit({ values: true }).extend({
  kept: readingSchema.shape.values.describe("What stands."),
  refused: readingSchema.shape.values.describe("What came later."),
  at: z.string().describe("When it came."),
});
const conflictPageSchema = pageSchema.extend({ items: z.array(conflictSchema) });
const cursorSchema = z.tuple([z.int(), z.int(), z.int()]);

/** Parsed, a body takes several times its bytes. */
const budget = new BodyBudget(96 * 2 ** 20);

/** Readings: in as fast as they come, out by asset and time. */
export const readingRoutes: readonly AnyRoute[] = ["/readings", "/v1/readings"].flatMap((path) => [
  route({
    method: "post",
    path,
    tag: "readings",
    summary:
      "Store readings of one source: JSON, a line of JSON each, or Arrow; also packed with gzip. The answer follows the commit.",
    policy: operator,
    query: z.strictObject({
      source: nameSchema.optional().describe("The source; JSON bodies may name it themselves."),
    }),
    body: {
      kind: "raw",
      types: READING_TYPES,
      description: "Readings with `asset` or `device`, `time` and `values`; of Arrow each value is a column.",
    },
    reply: intakeReplySchema,
    handle({ context, query }, { readings }) {
      return budget.with(async (share) => {
        const sent = await readSentReadings(context, query.source, share);
        return afterLimit(await readings.submit(sent.source, "http", sent.readings));
      });
    },
  }),
  route({
    method: "get",
    path,
    tag: "readings",
    summary: "Stored readings of an asset or a device, a page at a time.",
    policy: viewer,
    query: z.strictObject({
      asset: dataIdSchema.optional(),
      device_id: dataIdSchema.optional().describe("A device; its asset's readings are given."),
      source: nameSchema.optional().describe("Needed where the asset has readings of several sources."),
      since: z.string().max(64).optional().describe("From this time or cycle on."),
      until: z.string().max(64).optional().describe("Before this time or cycle."),
      order: z.enum(["oldest", "newest"]).default("oldest"),
      limit: limitQuery(100),
      cursor: z.string().max(200).optional().describe("`next` of the page before."),
    }),
    reply: pageSchema,
    async handle({ query }, { database }) {
      const { limit, order } = query;
      const asset = await assetOf(query, database());
      const source = await sourceOf(query.source, asset, database());
      const { time } = source.document;
      const items = await database().readings.page({
        sourceKey: source.sourceKey,
        asset,
        limit: limit + 1,
        order,
        isTimestamp: time.kind === "timestamp",
        ...boundOf("since", query.since, source),
        ...boundOf("until", query.until, source),
        ...(query.cursor === undefined ? {} : { after: readCursor(query.cursor) }),
      });
      const page = items.slice(0, limit);
      const last = items.length > limit ? page.at(-1) : undefined;
      return {
        items: page.map((reading) => shownReading(reading, source.document)),
        next: last === undefined ? null : writeCursor(last),
      };
    },
  }),
]);

const BUCKETS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "1d": 86_400 } as const;
/** Steps of one trend: a page of a chart. */
const MAX_STEPS = 3_000;
const trendPointSchema = z.strictObject({
  time: z.string().describe("Where the step begins."),
  n: z.int(),
  mean: z.number(),
  min: z.number(),
  max: z.number(),
});

/** What became of readings, to be held against what senders say they sent. */
export const intakeRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/readings/counts",
    tag: "readings",
    summary:
      "Readings by source and adapter since a time: received = stored + duplicate + quarantined + rejected.",
    policy: viewer,
    query: z.strictObject({ source: nameSchema.optional(), since: timeQuery }),
    reply: listOf(intakeCountsSchema.extend({ source: z.string(), adapter: z.string() })),
    handle: async ({ query: { source, since } }, { database }) => ({
      items: await database().readings.counts({ since, ...(source === undefined ? {} : { source }) }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/readings/conflicts",
    tag: "readings",
    summary:
      "Readings that were not stored because another one with other values stood there, newest first, with both sets of values.",
    policy: viewer,
    query: z.strictObject({
      source: nameSchema.optional(),
      asset: dataIdSchema.optional(),
      limit: limitQuery(),
      cursor: z.string().max(200).optional().describe("`next` of the page before."),
    }),
    reply: conflictPageSchema,
    async handle({ query: { cursor, limit, source, asset } }, { database }) {
      const conflicts = await database().readings.conflicts({
        limit: limit + 1,
        ...(source === undefined ? {} : { source }),
        ...(asset === undefined ? {} : { asset }),
        ...(cursor === undefined ? {} : { after: conflictCursor(cursor) }),
      });
      const page = conflicts.slice(0, limit);
      const last = conflicts.length > limit ? page.at(-1) : undefined;
      return {
        items: await shownConflicts(page, database()),
        next: last === undefined ? null : String(last.id),
      };
    },
  }),
  route({
    method: "get",
    path: "/v1/readings/export",
    tag: "readings",
    summary:
      "All readings of a source, or of one asset, between two times as CSV or Parquet, asset by asset, oldest first.",
    policy: viewer,
    query: z.strictObject({
      source: nameSchema,
      asset: dataIdSchema.optional(),
      since: z.string().max(64).optional().describe("From this time or cycle on."),
      until: z.string().max(64).optional().describe("Before this time or cycle."),
      format: z.enum(["csv", "parquet"]).default("csv"),
    }),
    reply: z.string(),
    async handle({ query }, { database, uploadDir }) {
      const { readings, liveSources } = database();
      const source = found(await liveSources.get(query.source), "source", query.source);
      const wanted = {
        sourceKey: source.sourceKey,
        document: source.document,
        assets: query.asset === undefined ? await readings.assetsIn(source.sourceKey) : [query.asset],
        ...boundOf("since", query.since, source),
        ...boundOf("until", query.until, source),
      };
      const isCsv = query.format === "csv";
      const body = isCsv
        ? readingsAsCsv(readings, wanted)
        : await readingsAsParquet(readings, wanted, uploadDir);
      const type = isCsv ? "text/csv; charset=utf-8" : "application/vnd.apache.parquet";
      const file = `attachment; filename="${query.source}.${query.format}"`;
      return new Response(body, { headers: { "content-type": type, "content-disposition": file } });
    },
  }),
  route({
    method: "get",
    path: "/v1/readings/trend",
    tag: "readings",
    summary:
      "A column of an asset in equal steps of time, for charts: count, mean, least and largest value of each.",
    policy: viewer,
    query: z.strictObject({
      asset: dataIdSchema,
      column: dataIdSchema,
      source: nameSchema.optional(),
      since: timeQuery.optional().describe("Default: 24 hours before `until`."),
      until: timeQuery.optional().describe("Default: now."),
      step: z
        .enum(["1m", "5m", "15m", "1h", "1d"])
        .default("5m")
        .describe("Hours and days are read from the hourly aggregates."),
    }),
    reply: listOf(trendPointSchema),
    async handle({ query }, { database }) {
      const source = await sourceOf(query.source, query.asset, database());
      const { columns, time, pii } = source.document;
      const place = columns.findIndex(({ name }) => name === query.column);
      const isShown = place >= 0 && !pii.includes(query.column);
      if (!isShown)
        throw new PlatformError(
          "invalid_query",
          `read trend [column]: there is no such column of ${source.document.name}`,
        );
      if (time.kind === "cycle")
        throw new PlatformError("invalid_query", "read trend [source]: its time is a cycle");
      const until = query.until === undefined ? Date.now() : Date.parse(query.until);
      const since = query.since === undefined ? until - 86_400_000 : Date.parse(query.since);
      const bucket = BUCKETS[query.step] * 1_000_000;
      if (since >= until || ((until - since) * 1_000) / bucket > MAX_STEPS)
        throw new PlatformError(
          "invalid_query",
          `read trend [since]: expected 1 to ${MAX_STEPS} steps before \`until\``,
        );
      const points = await database().readings.trend({
        sourceKey: source.sourceKey,
        source: source.document.name,
        asset: query.asset,
        column: query.column,
        place,
        since: since * 1_000,
        until: until * 1_000,
        bucket,
        isAggregated: bucket >= 3_600_000_000,
      });
      return { items: points.map(({ start, ...point }) => ({ time: formatIsoMicros(start), ...point })) };
    },
  }),
  route({
    method: "get",
    path: "/v1/readings/reconciliations",
    tag: "readings",
    summary: "Latest comparison of the ledger with the readings, by source; it is made every minute.",
    policy: viewer,
    reply: listOf(z.strictObject({ source: z.string(), ledger: z.int(), found: z.int(), at: z.string() })),
    handle: async (_, { database }) => ({ items: await database().readingUpkeep.reconciliations() }),
  }),
  route({
    method: "get",
    path: "/v1/readings/archives",
    tag: "readings",
    summary: "Parquet parts of the archive, newest first.",
    policy: viewer,
    query: z.strictObject({ source: nameSchema.optional(), limit: limitQuery() }),
    reply: listOf(
      z.strictObject({ source: z.string(), object: objectRefSchema, rows: z.int(), archivedAt: z.string() }),
    ),
    handle: async ({ query: { source, limit } }, { database }) => ({
      items: await database().readingUpkeep.archives({ limit, ...(source === undefined ? {} : { source }) }),
    }),
  }),
];

/** With personal values masked as the newest version of each source says. */
async function shownConflicts(conflicts: readonly ReadingConflict[], { liveSources }: Database) {
  const names = [...new Set(conflicts.map(({ source }) => source))];
  const rows = await Promise.all(names.map((name) => liveSources.get(name)));
  const documents = new Map(names.map((name, i) => [name, found(rows[i], "source", name).document]));
  return conflicts.map(({ kept, refused, at, asset, source, epoch, ts, seq }) => {
    const document = documents.get(source) as LiveSource;
    const key = { asset, source, epoch, ts, seq };
    const { values, ...shown } = shownReading({ ...key, values: kept }, document);
    return {
      ...shown,
      kept: values,
      refused: shownReading({ ...key, values: refused }, document).values,
      at,
    };
  });
}

function conflictCursor(text: string): number {
  const id = Number(text);
  if (Number.isSafeInteger(id) && id >= 1) return id;
  throw new PlatformError("invalid_query", "read conflicts [cursor]: expected `next` of a page");
}

/** Where nothing was taken but for a limit, the status says so as well. */
function afterLimit(reply: IntakeReply): IntakeReply {
  const { received, rejected, problems } = reply;
  if (received === 0 || rejected < received || problems.some(({ code }) => code !== "rate_limited"))
    return reply;
  throw new PlatformError(
    "too_many_readings",
    `take readings [source ${reply.source}]: ${problems[0]?.message}`,
  );
}

async function assetOf(
  { asset, device_id: device }: { asset?: string | undefined; device_id?: string | undefined },
  { readings }: Database,
): Promise<string> {
  if ((asset === undefined) === (device === undefined))
    throw new PlatformError("invalid_query", "read readings: expected either asset or device_id");
  if (device === undefined) return asset as string;
  // Of a device that is not listed the id is the asset's.
  return (await readings.assetsOf([device])).get(device) ?? device;
}

async function sourceOf(
  name: string | undefined,
  asset: string,
  { readings, liveSources }: Database,
): Promise<LiveSourceRow> {
  if (name !== undefined) return found(await liveSources.get(name), "source", name);
  const [only, ...others] = await readings.sourcesOf(asset);
  if (only !== undefined && others.length > 0) {
    const names = [only, ...others].join(", ");
    throw new PlatformError("invalid_query", `read readings [source]: expected one of ${names}, got nothing`);
  }
  return found(only === undefined ? undefined : await liveSources.get(only), "asset with readings", asset);
}

function boundOf(
  name: "since" | "until",
  text: string | undefined,
  { document }: LiveSourceRow,
): { since?: number; until?: number } {
  if (text === undefined) return {};
  const isCycle = document.time.kind === "cycle";
  const bound = isCycle ? Number(text) : parseIsoMicros(text);
  if (bound !== undefined && Number.isSafeInteger(bound)) return { [name]: bound };
  const expected = isCycle ? "a cycle number" : "an ISO 8601 date or date-time";
  throw new PlatformError("invalid_query", `read readings [${name}]: expected ${expected}`);
}

function writeCursor({ epoch, ts, seq }: ReadingCursor): string {
  return Buffer.from(JSON.stringify([epoch, ts, seq])).toString("base64url");
}

function readCursor(text: string): ReadingCursor {
  try {
    const [epoch, ts, seq] = cursorSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    return { epoch, ts, seq };
  } catch (cause) {
    throw new PlatformError("invalid_query", "read readings [cursor]: expected `next` of a page", { cause });
  }
}
