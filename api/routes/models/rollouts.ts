import { randomUUID } from "node:crypto";
import { z } from "zod";
import { parsePipeline } from "../../../schemas/pipeline/parse.ts";
import { rolloutPlan, rolloutSchema } from "../../../schemas/pipeline/rollout.ts";
import type { RolloutPlan } from "../../../schemas/pipeline/rollout.ts";
import { nameSchema, sha256Schema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { nErrors, sumCounts } from "../../../schemas/serving/rollout.ts";
import type { Database, RolloutRow, VersionRow } from "../../../stores/postgres/port.ts";
import type { RolloutChange } from "../../../stores/postgres/port/rollouts.ts";
import type { ApiDeps } from "../../deps.ts";
import {
  anyObject,
  approver,
  asNamed,
  auditOf,
  bySchema,
  found,
  idParams,
  limitQuery,
  listOf,
  modelParams,
  operator,
  orAuditRefusal,
  viewer,
} from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";
import { approvalOf } from "./promotions.ts";

const reasonSchema = z.strictObject({ reason: z.string().min(1).max(2_000), by: bySchema });
const startSchema = z.strictObject({
  version: z.int().min(1),
  digest: sha256Schema.optional().describe("Refused with 409 when the version has another one."),
  reason: z.string().max(2_000).default(""),
  by: bySchema,
  rollout: rolloutSchema
    .optional()
    .describe("Stages and guards of this one; default: as its pipeline declares."),
});

/** What people may do to a rollout: going back is every operator's, going on an approver's. */
const COMMANDS = [
  {
    name: "pause",
    kind: "paused",
    policy: operator,
    summary: "Keep a rollout at its stage: its bake stands still, its guards go on.",
  },
  {
    name: "continue",
    kind: "continued",
    policy: approver,
    summary: "Let a paused rollout go on with what was left of its bake.",
  },
  {
    name: "abort",
    kind: "aborted",
    policy: operator,
    summary: "End a rollout: the champion answers alone at once.",
  },
] as const;

export const rolloutRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/rollouts",
    tag: "models",
    summary: "Rollouts, newest first.",
    policy: viewer,
    query: z.strictObject({
      model: nameSchema.optional(),
      open: z.enum(["true", "false"]).optional().describe("true: those that go on."),
      limit: limitQuery(),
    }),
    reply: listOf(anyObject),
    async handle({ query: { model, open, limit } }, { database }) {
      const rows = await database().rollouts.list({
        limit,
        ...(model === undefined ? {} : { model }),
        ...(open === undefined ? {} : { isOpen: open === "true" }),
      });
      return { items: rows };
    },
  }),
  route({
    method: "get",
    path: "/v1/rollouts/{id}",
    tag: "models",
    summary: "One rollout: where it stands, how it came there, and what its stage has counted.",
    policy: viewer,
    params: idParams,
    reply: anyObject,
    handle: async ({ params }, { database }) =>
      describeRollout(database(), found(await database().rollouts.get(params.id), "rollout", params.id)),
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/rollout",
    tag: "models",
    summary: "The rollout of a model that goes on, else its last one.",
    policy: viewer,
    params: modelParams,
    query: z.strictObject({
      version: z.coerce
        .number()
        .int()
        .min(1)
        .optional()
        .describe("That of this version; 404 when it was approved anew and has not begun since."),
    }),
    reply: anyObject,
    handle: ({ params, query }, { database }) => readLatest(database(), params.model, query.version),
  }),
  route({
    method: "post",
    path: "/v1/models/{model}/rollouts",
    tag: "models",
    summary: "Roll out an approved version in the stages that its pipeline declares.",
    policy: approver,
    params: modelParams,
    body: { kind: "json", schema: startSchema },
    reply: anyObject,
    status: 202,
    idempotent: true,
    async handle(asked, deps) {
      const request = asNamed(asked);
      const { version, reason } = request.body;
      const subject = `model/${request.params.model}@${version}`;
      const audit = auditOf(request, "rollout.start", subject, { reason });
      return orAuditRefusal(deps.database(), audit, () => start(request, deps));
    },
  }),
  ...COMMANDS.map(({ name, kind, policy, summary }) =>
    route({
      method: "post",
      path: `/v1/rollouts/{id}/${name}`,
      tag: "models",
      summary,
      policy,
      params: idParams,
      body: { kind: "json", schema: reasonSchema },
      reply: anyObject,
      idempotent: true,
      async handle(asked, { database }) {
        const db = database();
        const request = asNamed(asked);
        const row = found(await db.rollouts.get(request.params.id), "rollout", request.params.id);
        const { reason } = request.body;
        const subject = `model/${row.model}@${row.version}`;
        const audit = auditOf(request, `rollout.${name}`, subject, { rollout: row.id, reason });
        return orAuditRefusal(db, audit, async () => {
          const after = await db.rollouts.change(row.id, { kind, reason }, audit);
          requireDone(after, kind);
          return describeRollout(db, after);
        });
      },
    }),
  ),
];

/** What did not change the rollout, and is not how it stands anyway, came too late. */
function requireDone(row: RolloutRow, kind: RolloutChange["kind"]): void {
  const wanted = { paused: "paused", continued: "running", aborted: "aborted" } as const;
  if (row.state === wanted[kind as keyof typeof wanted]) return;
  throw new PlatformError("conflict", `change rollout [${row.id}]: it is ${row.state.replace("_", " ")}`);
}

async function readLatest(db: Database, model: string, version: number | undefined) {
  const name = version === undefined ? model : `${model}@${version}`;
  const row = found(await db.rollouts.latest(model, version), "rollout", name);
  if (version !== undefined && row.endedAt !== null) {
    const approval = await db.approvals.givenFor(model, row.digest);
    if (approval !== undefined && approval.id !== row.approvalId)
      throw new PlatformError("not_found", `rollout [${name}]: none has begun since it was approved anew`);
  }
  return describeRollout(db, row);
}

async function describeRollout(db: Database, row: RolloutRow): Promise<Record<string, unknown>> {
  const [events, stats] = await Promise.all([
    db.rollouts.events(row.id),
    db.rollouts.stats(row.id, row.stage),
  ]);
  const counts = sumCounts(stats.map((one) => one.counts));
  const side = ({ requests, rows, errors }: typeof counts.candidate) => ({
    requests,
    rows,
    failed: nErrors({ errors }),
    errors,
  });
  return {
    ...row,
    events,
    counted: {
      candidate: side(counts.candidate),
      champion: side(counts.champion),
      pairs: counts.pairs,
      different: counts.different,
      dropped: counts.dropped,
      incomparable: counts.incomparable,
    },
  };
}

async function start(
  request: RouteRequest<z.infer<typeof modelParams>, unknown, z.infer<typeof startSchema>>,
  deps: ApiDeps,
) {
  const { params, body, actor } = request;
  const db = deps.database();
  const row = found(await db.registry.version(params.model, body.version), "version");
  if (body.digest !== undefined && body.digest !== row.digest)
    throw new PlatformError("conflict", `roll out [${row.model} ${row.version}]: it has another digest`);
  const open = await db.rollouts.latest(row.model);
  if (open !== undefined && open.endedAt === null)
    throw new PlatformError("conflict", `roll out [${row.model}]: ${open.id} goes on`);
  const approvalId = await approvalOf(db, row);
  await requireComparedChampion(db, row, approvalId);
  const plan = await planOf(db, row, body.rollout);
  const rolloutId = `${row.model}.${row.version}.${randomUUID().slice(0, 8)}`;
  const { model, version, digest } = row;
  const started = await deps.workflows.startRollout({
    rolloutId,
    model,
    version,
    digest,
    approvalId,
    runId: null,
    plan,
    requestedBy: { id: actor.id, authenticated: actor.authenticated },
  });
  const details = { rollout: rolloutId, reason: body.reason };
  await db.audit.append(auditOf(request, "rollout.start", `model/${model}@${version}`, details));
  return { ...started, rolloutId, model, version, digest };
}

const evidenceSchema = z.object({
  champion: z.object({ version: z.int(), digest: sha256Schema }).nullable(),
});

/** Its first step would refuse it, but whoever asks is told here. */
async function requireComparedChampion(
  { approvals, registry }: Pick<Database, "approvals" | "registry">,
  { model, version, digest }: VersionRow,
  approvalId: string,
): Promise<void> {
  const [approval, champion] = await Promise.all([approvals.get(approvalId), registry.champion(model)]);
  const evidence = evidenceSchema.safeParse(approval?.evidence);
  if (!evidence.success || champion === undefined || champion.digest === digest) return;
  const { champion: compared } = evidence.data;
  if (compared?.digest === champion.digest) return;
  const then = compared === null ? "no champion" : `version ${compared.version}`;
  throw new PlatformError(
    "conflict",
    `roll out [${model} ${version}]: its gates compared with ${then}, and the champion is version ${champion.version} by now; run the pipeline again`,
  );
}

/** As was asked for, else as the file that counts for the version declares; the defaults where it declares none. */
async function planOf(
  db: Database,
  { model, digest, runId }: VersionRow,
  asked: z.infer<typeof rolloutSchema> | undefined,
): Promise<RolloutPlan> {
  const standing = await db.runs.latestStanding(model, digest);
  const input = await db.runs.inputOf(standing?.runId ?? runId);
  const pipeline = input === undefined ? undefined : parsePipeline(input.pipeline, "pipeline.yaml").pipeline;
  const allowDirectSignals = pipeline?.approval.allowDirectSignals ?? false;
  return rolloutPlan(asked ?? pipeline?.rollout ?? rolloutSchema.parse({}), allowDirectSignals);
}
