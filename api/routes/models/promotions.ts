import { randomUUID } from "node:crypto";
import { z } from "zod";
import { sha256Schema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { Actor, AuditEntry, Database, VersionRow } from "../../../stores/postgres/port.ts";
import { approveWorkflowId } from "../../../temporal-config/constants.ts";
import type { ApiDeps } from "../../deps.ts";
import { championLine } from "./champion-history.ts";
import { ROLES } from "../../http/auth.ts";
import {
  approver,
  asNamed,
  auditOf,
  bySchema,
  found,
  modelParams,
  operator,
  orAuditRefusal,
} from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";

const promoteSchema = z.strictObject({
  version: z.int().min(1),
  digest: sha256Schema.optional().describe("Refused with 409 when the version has another one."),
  reason: z.string().max(2_000).default(""),
  by: bySchema,
});
const rollbackSchema = z.strictObject({
  version: z.int().min(1).optional().describe("Default: the last champion before that was not rolled back."),
  from: z.int().min(1).optional().describe("Refused with 409 when the champion is another version by now."),
  reason: z.string().min(1).max(2_000),
  by: bySchema,
});
type ModelParams = z.infer<typeof modelParams>;
const replySchema = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  isNew: z.boolean(),
  model: z.string(),
  version: z.int(),
  digest: sha256Schema,
});

const breakGlassSchema = z.strictObject({
  reviewId: z.string(),
  reviewUntil: z.string(),
  version: z.int().describe("The champion now."),
  digest: sha256Schema,
  previousVersion: z.int().nullable().describe("Null where the champion stayed."),
  abortedRollout: z.string().nullable(),
});

export const promotionRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/models/{model}/promote",
    tag: "models",
    summary: "Make an approved version the champion.",
    policy: approver,
    params: modelParams,
    body: { kind: "json", schema: promoteSchema },
    reply: replySchema,
    status: 202,
    idempotent: true,
    async handle(asked, deps) {
      const request = asNamed(asked);
      const { model } = request.params;
      const { version, digest, reason } = request.body;
      const audit = auditOf(request, "model.promote", `model/${model}@${version}`, { digest, reason });
      return orAuditRefusal(deps.database(), audit, () => promote(request, deps));
    },
  }),
  route({
    method: "post",
    path: "/v1/models/{model}/rollback",
    tag: "models",
    summary: "Make a version champion again that was champion before.",
    policy: approver,
    params: modelParams,
    body: { kind: "json", schema: rollbackSchema },
    reply: replySchema,
    status: 202,
    idempotent: true,
    async handle(asked, deps) {
      const request = asNamed(asked);
      const { reason, version } = request.body;
      const audit = auditOf(request, "model.rollback", `model/${request.params.model}`, { version, reason });
      return orAuditRefusal(deps.database(), audit, () => rollBack(request, deps));
    },
  }),
  route({
    method: "post",
    path: "/v1/models/{model}/break-glass",
    tag: "models",
    summary:
      "Roll back at once and without an approval, for those whom the settings name: a rollout that goes on ends, else the champion before comes back. Somebody else reviews it afterwards.",
    policy: operator,
    params: modelParams,
    body: { kind: "json", schema: rollbackSchema },
    reply: breakGlassSchema,
    idempotent: true,
    async handle(request, deps) {
      const { reason, version } = request.body;
      const subject = `model/${request.params.model}`;
      // What is recorded names the person; whether they may is asked of the caller, as a name proves nothing.
      const audit = auditOf(asNamed(request), "model.break_glass", subject, { version, reason });
      return orAuditRefusal(deps.database(), audit, () => breakGlass(request, deps, audit));
    },
  }),
];

/** Needs nothing but PostgreSQL: the review's workflow follows when Temporal is there. */
async function breakGlass(
  request: RouteRequest<ModelParams, unknown, z.infer<typeof rollbackSchema>>,
  deps: ApiDeps,
  audit: AuditEntry,
): Promise<z.infer<typeof breakGlassSchema>> {
  const { params, body, actor } = request;
  const { model } = params;
  requireNamed(actor, deps.breakGlass.by);
  const { registry, rollouts } = deps.database();
  const champion = await registry.champion(model);
  if (champion === undefined)
    throw new PlatformError("no_champion", `break glass [${model}]: there is no champion`);
  const open = await rollouts.latest(model);
  // One whose version people made champion already has arrived: it is that champion that has to go.
  const isRollingOut = open !== undefined && open.endedAt === null && open.digest !== champion.digest;
  const { previous } = championLine(await registry.history(model));
  const to = body.version ?? (isRollingOut ? undefined : previous);
  const reviewId = `review.${model}.${randomUUID().slice(0, 8)}`;
  const done = await rollouts.breakGlass(
    {
      model,
      from: body.from ?? champion.version,
      ...(to === undefined ? {} : { to }),
      reason: body.reason,
      reviewId,
      reviewWorkflowOf: (digest) => approveWorkflowId("review", reviewId, digest),
      reviewUntil: new Date(Date.now() + deps.breakGlass.reviewWithinMs).toISOString(),
    },
    audit,
  );
  deps.reviews.look();
  return done;
}

/** @throws {PlatformError} forbidden */
function requireNamed({ id, role }: Actor, by: readonly string[]): void {
  const held = role === "system" ? ROLES.length : ROLES.indexOf(role);
  const isOfRole = ROLES.some((named, rank) => by.includes(named) && held >= rank);
  if (isOfRole || by.includes(id)) return;
  throw new PlatformError("forbidden", `break glass: expected one of ${by.join(", ")}, got ${id} [${role}]`);
}

async function promote(
  request: RouteRequest<ModelParams, unknown, z.infer<typeof promoteSchema>>,
  deps: ApiDeps,
) {
  const { params, body } = request;
  const db = deps.database();
  const row = found(await db.registry.version(params.model, body.version), "version");
  if (body.digest !== undefined && body.digest !== row.digest) {
    throw new PlatformError("conflict", `promote [${row.model} ${row.version}]: it has another digest`);
  }
  const approvalId = await approvalOf(db, row);
  return start(request, deps, {
    row,
    approvalId,
    requestId: `promote/${approvalId}`,
    reason: body.reason,
  });
}

async function rollBack(
  request: RouteRequest<ModelParams, unknown, z.infer<typeof rollbackSchema>>,
  deps: ApiDeps,
) {
  const { params, body } = request;
  const { model } = params;
  const { registry } = deps.database();
  const champion = await registry.champion(model);
  if (champion === undefined)
    throw new PlatformError("no_champion", `roll back [${model}]: there is no champion`);
  if (body.from !== undefined && body.from !== champion.version)
    throw new PlatformError("conflict", `roll back [${model}]: the champion is ${champion.version}`);
  const history = await registry.history(model);
  const { position, previous } = championLine(history);
  const version = body.version ?? previous;
  if (version === undefined)
    throw new PlatformError("conflict", `roll back [${model}]: there was no champion before`);
  const row = found(await registry.version(model, version), "version");
  if (!history.some((event) => event.alias === "champion" && event.digest === row.digest)) {
    throw new PlatformError("gate_refused", `roll back [${model} ${version}]: it never was champion`);
  }
  // The position names the champion that is left: asked for twice while the first still waits, it moves once.
  const requestId = `rollback/${position}`;
  return start(request, deps, { row, approvalId: null, requestId, reason: body.reason });
}

/** The approval that lets a version be promoted by hand: one that was given for exactly its digest. */
export async function approvalOf(db: Database, row: VersionRow): Promise<string> {
  const approval = await db.approvals.givenFor(row.model, row.digest);
  if (approval !== undefined) return approval.id;
  throw new PlatformError(
    "gate_refused",
    `[${row.model} ${row.version}]: nobody has approved it; a run asks for approval once its version passes its gates (aura gate ${row.model}@${row.version} shows them)`,
  );
}

async function start(
  request: RouteRequest<unknown, unknown, unknown>,
  deps: ApiDeps,
  what: { row: VersionRow; approvalId: string | null; requestId: string; reason: string },
) {
  const { row, approvalId, requestId, reason } = what;
  const action = approvalId === null ? "rollback" : "promote";
  const { model, version, digest } = row;
  const { id, authenticated } = request.actor;
  const started = await deps.workflows.startPromotion({
    model,
    version,
    digest,
    approvalId,
    reason: reason || action,
    requestId,
    requestedBy: { id, authenticated },
  });
  await deps
    .database()
    .audit.append(auditOf(request, `model.${action}`, `model/${model}@${version}`, { digest, reason }));
  return { ...started, model, version, digest };
}
