import { z } from "zod";
import { sha256Schema } from "../../../schemas/names.ts";
import { approvalPolicySchema } from "../../../schemas/pipeline/training.ts";
import {
  approver,
  anyObject,
  auditOf,
  found,
  idParams,
  limitQuery,
  listOf,
  orAuditRefusal,
  viewer,
} from "../parts.ts";
import type { ApprovalRow, Database } from "../../../stores/postgres/port.ts";
import { maintenanceApprovalId, recommendationOfApproval } from "../../../temporal-config/constants.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const decisionSchema = z.strictObject({
  decisionId: z.string().regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 visible ASCII characters"),
  decision: z.enum(["approve", "reject"]),
  digest: sha256Schema.describe("The version digest that was looked at."),
  reason: z.string().max(2_000).default(""),
  channel: z.enum(["api", "cli", "console"]).default("api"),
  /** Without keys nobody is known: the name the person gives is recorded as unauthenticated. */
  by: z.string().min(1).max(128).optional(),
});

const STATES = ["waiting", "approved", "rejected", "expired"] as const;

/** What a list says of an approval: whom it waits for, until when, and what was decided. The evidence is in the whole. */
const listedSchema = z.strictObject({
  id: z.string(),
  kind: z.string(),
  subject: z.string(),
  digest: sha256Schema,
  model: z.string(),
  version: z.int(),
  workflowId: z.string(),
  requestedBy: z.string(),
  requesterAuthenticated: z.boolean(),
  policy: approvalPolicySchema,
  state: z.enum(STATES),
  deadline: z.string(),
  createdAt: z.string(),
  decidedAt: z.string().nullable(),
  recommendationId: z.string().nullable().describe("Of maintenance: the recommendation that it decides."),
  decisions: z.array(
    z.strictObject({
      decisionId: z.string(),
      decision: z.enum(["approve", "reject"]),
      by: z.string(),
      authenticated: z.boolean(),
      channel: z.enum(["api", "cli", "signal", "console", "policy"]),
      reason: z.string(),
      at: z.string(),
      selfApproved: z.boolean().describe("The requester's own decision, which counts without keys only."),
    }),
  ),
});

export const approvalRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/approvals",
    tag: "approvals",
    summary: "Approvals, newest first, without their evidence: that is in `GET /v1/approvals/{id}`.",
    policy: viewer,
    query: z.strictObject({
      state: z.enum(STATES).optional(),
      limit: limitQuery(),
    }),
    reply: listOf(listedSchema),
    async handle({ query: { state, limit } }, { database }) {
      const rows = await database().approvals.list({ limit, ...(state === undefined ? {} : { state }) });
      return { items: rows.map(withRecommendation) };
    },
  }),
  route({
    method: "get",
    path: "/v1/approvals/{id}",
    tag: "approvals",
    summary:
      "One approval with its evidence and decisions, and of a promotion the champion by now, as `championNow`; of maintenance by its recommendation's id as well.",
    policy: viewer,
    params: idParams,
    reply: anyObject,
    async handle({ params }, { database }) {
      const db = database();
      const row = await approvalBy(db.approvals, params.id);
      return { ...withRecommendation(row), ...(await championNow(db, row)) };
    },
  }),
  route({
    method: "post",
    path: "/v1/approvals/{id}/decisions",
    tag: "approvals",
    summary: "Approve or reject exactly one digest. The same decision id again gives the first answer.",
    policy: approver,
    params: idParams,
    body: { kind: "json", schema: decisionSchema },
    reply: anyObject,
    idempotent: true,
    async handle(request, { database, workflows, logger }) {
      const { actor, body, params } = request;
      const { digest, decisionId, decision, reason, channel } = body;
      const by = actor.authenticated ? actor.id : (body.by ?? actor.id);
      const db = database();
      const asked = await approvalBy(db.approvals, params.id);
      const { id } = asked;
      // Before the decision: what follows it may already have moved the champion.
      const beside = await championNow(db, asked);
      const audit = auditOf(request, `approval.${decision}`, `approval/${id}`, { digest, by, reason });
      const given = { decisionId, decision, reason, channel, by, authenticated: actor.authenticated };
      const row = await orAuditRefusal(db, audit, () => db.approvals.decide(id, digest, given, audit));
      // The decision counts once it is recorded. A wake-up that gets lost only costs time: the workflow looks by itself.
      await workflows.wakeApproval(row.workflowId).catch((error: unknown) => {
        logger.warn({ approval: row.id, err: error }, "approval workflow could not be woken");
      });
      return { ...row, ...beside };
    },
  }),
];

/** By its own id, or that of the recommendation that it decides. @throws {PlatformError} not_found */
async function approvalBy(approvals: Pick<Database["approvals"], "get">, id: string): Promise<ApprovalRow> {
  return found((await approvals.get(id)) ?? (await approvals.get(maintenanceApprovalId(id))), "approval", id);
}

function withRecommendation<T extends Pick<ApprovalRow, "id" | "kind">>(row: T) {
  const recommendationId = row.kind === "maintenance" ? (recommendationOfApproval(row.id) ?? null) : null;
  return { ...row, recommendationId };
}

/** Of a promotion: the champion that it meets, which may be another than that its evidence was compared with. */
async function championNow(
  { registry }: Pick<Database, "registry">,
  { kind, model }: Pick<ApprovalRow, "kind" | "model">,
) {
  if (kind !== "promotion") return {};
  const champion = await registry.champion(model);
  if (champion === undefined) return { championNow: null };
  return { championNow: { version: champion.version, digest: champion.digest } };
}
