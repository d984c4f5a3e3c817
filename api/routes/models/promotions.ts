import { z } from "zod";
import { sha256Schema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { Database, VersionRow } from "../../../stores/postgres/port.ts";
import type { ApiDeps } from "../../deps.ts";
import { championLine } from "./champion-history.ts";
import { approver, auditOf, found, modelParams, orAuditRefusal } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";

const promoteSchema = z.strictObject({
  version: z.int().min(1),
  digest: sha256Schema.optional().describe("Refused with 409 when the version has another one."),
  reason: z.string().max(2_000).default(""),
});
const rollbackSchema = z.strictObject({
  version: z.int().min(1).optional().describe("Default: the last champion before that was not rolled back."),
  from: z.int().min(1).optional().describe("Refused with 409 when the champion is another version by now."),
  reason: z.string().min(1).max(2_000),
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
    async handle(request, deps) {
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
    async handle(request, deps) {
      const { reason, version } = request.body;
      const audit = auditOf(request, "model.rollback", `model/${request.params.model}`, { version, reason });
      return orAuditRefusal(deps.database(), audit, () => rollBack(request, deps));
    },
  }),
];

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
  const approved = await db.approvals.list({ state: "approved", limit: 1_000 });
  const approval = approved.find((a) => a.model === row.model && a.digest === row.digest);
  if (approval !== undefined) return approval.id;
  throw new PlatformError(
    "gate_refused",
    `promote [${row.model} ${row.version}]: no approval names its digest`,
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
