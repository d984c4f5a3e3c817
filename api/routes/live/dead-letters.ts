import { z } from "zod";
import { maskedReading, renamedReading, unmaskedReading } from "../../../intake/masked-reading.ts";
import { letterReading, replayLetters } from "../../../intake/replay-letters.ts";
import type { LetterReplay } from "../../../intake/replay-letters.ts";
import { INTAKE_CODES } from "../../../schemas/live/intake.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { LETTER_STATES } from "../../../stores/postgres/port/dead-letters.ts";
import type { DeadLetterRow } from "../../../stores/postgres/port/dead-letters.ts";
import type { ApiDeps } from "../../deps.ts";
import { auditOf, found, limitQuery, listOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";

const letterId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const letterParams = z.strictObject({ id: letterId });
const letterSchema = z.strictObject({
  id: z.int(),
  source: z.string(),
  adapter: z.string(),
  code: z.string(),
  message: z.string(),
  asset: z.string().nullable(),
  reading: z.unknown(),
  state: z.enum(LETTER_STATES),
  receivedAt: z.string(),
  settledAt: z.string().nullable(),
  settledBy: z.string().nullable(),
});
const filterFields = { source: nameSchema.optional(), code: z.enum(INTAKE_CODES).optional() };
const replaySchema = z.strictObject({
  replayed: z.int().describe("Stored now, or there before with the same values."),
  duplicate: z.int().describe("Of the replayed: were there before, so nothing was stored for them."),
  refused: z.array(z.strictObject({ id: z.int(), message: z.string() })).describe("The first hundred."),
  nRefused: z.int(),
  next: z.int().nullable().describe("`after` of the next request; null: there are no more."),
});

/** One request replays so many; the next one goes on behind them, whatever became of these. */
const MAX_REPLAYED = 1_000;

const replayFilterSchema = z.strictObject({
  ...filterFields,
  ids: z.array(z.int().min(1)).min(1).max(MAX_REPLAYED).optional(),
  after: z.int().min(1).optional().describe("`next` of the request before: newest first."),
});

const mendSchema = z.strictObject({
  reading: z.unknown().optional().describe("Absent: as it was sent, but for what is renamed."),
  renamed: z
    .record(z.string().min(1).max(200), nameSchema)
    .default({})
    .describe("Name in `values` that was sent → column that was meant; the mended reading has the column."),
});

/** Readings that were set aside. */
export const deadLetterRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/dead-letters",
    tag: "readings",
    summary: "Readings that could not be stored as they were, newest first, each with its reason.",
    policy: viewer,
    query: z.strictObject({
      ...filterFields,
      state: z.enum([...LETTER_STATES, "all"]).default("open"),
      limit: limitQuery(),
      after: letterId.optional().describe("Id of the last one of the page before."),
    }),
    reply: listOf(letterSchema),
    async handle({ query: { state, limit, ...filter } }, deps) {
      const letters = await deps
        .database()
        .deadLetters.list({ limit, ...(state === "all" ? {} : { state }), ...defined(filter) });
      return { items: await shown(letters, deps) };
    },
  }),
  route({
    method: "get",
    path: "/v1/dead-letters/{id}",
    tag: "readings",
    summary: "One reading that was set aside.",
    policy: viewer,
    params: letterParams,
    reply: letterSchema,
    handle: async ({ params: { id } }, deps) =>
      found((await shown([await letterOf(id, deps)], deps))[0], "dead letter"),
  }),
  route({
    method: "put",
    path: "/v1/dead-letters/{id}",
    tag: "readings",
    summary:
      "Store a mended reading in the place of one that was set aside; refused while it is not as declared, or (409) another reading with other values stands there. Values left masked (`***`) are those that were sent; `renamed` puts values that were sent under a misspelled name under the column that was meant.",
    policy: operator,
    params: letterParams,
    body: { kind: "json", schema: mendSchema },
    reply: replaySchema,
    async handle(request, deps) {
      const letter = await openLetter(request.params.id, deps);
      const { renamed, reading } = request.body;
      const source = found(await deps.database().liveSources.get(letter.source), "source", letter.source);
      const sent = renamedReading(letterReading(letter.body), renamed, source.document);
      const mended = new Map([[letter.id, reading === undefined ? sent : unmaskedReading(reading, sent)]]);
      const replay = await replayLetters(deps.readings, [letter], mended);
      const [refusal] = replay.refused;
      if (refusal !== undefined)
        throw new PlatformError(refusal.isConflict ? "conflict" : "invalid_body", refusal.message);
      return settle(replay, request, deps);
    },
  }),
  route({
    method: "post",
    path: "/v1/dead-letters/replay",
    tag: "readings",
    summary:
      "Try to store set-aside readings as they are, after what was wrong was put right, e.g. by a new version of the source.",
    policy: operator,
    body: { kind: "json", schema: replayFilterSchema },
    reply: replaySchema,
    async handle(request, deps) {
      const letters = await chosen(request.body, deps);
      const isFull = request.body.ids === undefined && letters.length === MAX_REPLAYED;
      const settled = await settle(await replayLetters(deps.readings, letters), request, deps);
      return { ...settled, next: isFull ? (letters.at(-1)?.id ?? null) : null };
    },
  }),
  route({
    method: "delete",
    path: "/v1/dead-letters/{id}",
    tag: "readings",
    summary: "Drop a reading that was set aside; it stays on record as dropped.",
    policy: operator,
    params: letterParams,
    status: 204,
    reply: z.null(),
    async handle(request, deps) {
      const { id } = await openLetter(request.params.id, deps);
      await deps
        .database()
        .deadLetters.settle([id], "dropped", auditOf(request, "dead_letter.drop", `dead-letter/${id}`));
      return null;
    },
  }),
];

type AnyRequest = Pick<RouteRequest<unknown, unknown, unknown>, "actor">;

async function settle(replay: LetterReplay, request: AnyRequest, { database }: ApiDeps) {
  const { stored, duplicate, refused } = replay;
  if (stored.length > 0) {
    const details = { replayed: stored.length, first: stored[0], last: stored.at(-1) };
    const entry = auditOf(request, "dead_letter.replay", `dead-letter/${stored[0]}`, details);
    await database().deadLetters.settle(stored, "replayed", entry);
  }
  return {
    replayed: stored.length,
    duplicate: duplicate.length,
    refused: refused.slice(0, 100).map(({ id, message }) => ({ id, message })),
    nRefused: refused.length,
    next: null,
  };
}

async function chosen(
  { ids, ...filter }: z.infer<typeof replayFilterSchema>,
  deps: ApiDeps,
): Promise<readonly DeadLetterRow[]> {
  if (ids !== undefined) return Promise.all(ids.map((id) => openLetter(id, deps)));
  return deps.database().deadLetters.list({ state: "open", limit: MAX_REPLAYED, ...defined(filter) });
}

async function letterOf(id: number, { database }: ApiDeps): Promise<DeadLetterRow> {
  return found(await database().deadLetters.get(id), "dead letter", String(id));
}

async function openLetter(id: number, deps: ApiDeps): Promise<DeadLetterRow> {
  const letter = await letterOf(id, deps);
  if (letter.state === "open") return letter;
  throw new PlatformError("conflict", `change dead letter [${id}]: it is ${letter.state} already`);
}

/** With what the newest version of each source says is personal masked. */
async function shown(letters: readonly DeadLetterRow[], { database }: Pick<ApiDeps, "database">) {
  const names = [...new Set(letters.map(({ source }) => source))];
  const rows = await Promise.all(names.map((name) => database().liveSources.get(name)));
  const documents = new Map(names.map((name, i) => [name, rows[i]?.document]));
  return letters.map(({ body, ...row }) => {
    const reading = letterReading(body);
    const document = documents.get(row.source);
    return { ...row, reading: document === undefined ? reading : maskedReading(reading, document) };
  });
}

/** Without the members that are not given. */
function defined<T extends object>(filter: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as never;
}
