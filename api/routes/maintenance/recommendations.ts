import { z } from "zod";
import { dataIdSchema, nameSchema, sha256Schema } from "../../../schemas/names.ts";
import { RECOMMENDATION_STATES, recommendationSchema } from "../../../schemas/maintenance/recommendation.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import {
  auditOf,
  found,
  idParams,
  limitQuery,
  listOf,
  orAuditRefusal,
  serverIdSchema,
  sitesOf,
  siteViewer,
} from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const decisionSchema = z.strictObject({
  decisionId: z.string().regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 visible ASCII characters"),
  decision: z.enum(["approve", "reject"]),
  digest: sha256Schema
    .optional()
    .describe("That of the approval which was looked at; default: the present one."),
  reason: z.string().max(2_000).default(""),
  channel: z.enum(["api", "cli", "console"]).default("api"),
  by: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("Without keys nobody is known: the name the person gives, recorded as unauthenticated."),
});

/** Work that predicted failures call for, and what people decide about it. */
export const recommendationRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/recommendations",
    tag: "maintenance",
    summary: "Recommendations to do maintenance, newest first; those of its sites for a limited key.",
    policy: siteViewer,
    query: z.strictObject({
      state: z.enum([...RECOMMENDATION_STATES, "unended", "all"]).default("unended"),
      model: nameSchema.optional(),
      asset: dataIdSchema.optional(),
      limit: limitQuery(),
      after: serverIdSchema.optional().describe("Id of the last one of the page before."),
    }),
    reply: listOf(recommendationSchema),
    async handle({ query: { state, model, asset, limit, after }, actor }, { database }) {
      const items = await database().recommendations.list({
        limit,
        ...sitesOf(actor),
        ...(state === "all" ? {} : { state }),
        ...(model === undefined ? {} : { model }),
        ...(asset === undefined ? {} : { asset }),
        ...(after === undefined ? {} : { after }),
      });
      return { items };
    },
  }),
  route({
    method: "get",
    path: "/v1/recommendations/{id}",
    tag: "maintenance",
    summary: "One recommendation: what, why, by when, at what cost, and what became of it.",
    policy: siteViewer,
    params: idParams,
    reply: recommendationSchema,
    async handle({ params: { id }, actor }, { database }) {
      const row = found(await database().recommendations.get(id, actor.sites), "recommendation", id);
      const { policy: _policy, ...recommendation } = row;
      return recommendation;
    },
  }),
  route({
    method: "post",
    path: "/v1/recommendations/{id}/decision",
    tag: "maintenance",
    summary:
      "Decide whether the work is done, as one of its deciders. The same decision id again gives the first answer.",
    policy: { role: "approver", scope: "any" },
    params: idParams,
    body: { kind: "json", schema: decisionSchema },
    reply: recommendationSchema,
    idempotent: true,
    async handle(request, { database, workflows, logger }) {
      const { actor, body, params } = request;
      const db = database();
      const row = found(await db.recommendations.get(params.id, actor.sites), "recommendation", params.id);
      const approval = row.approvalId === null ? undefined : await db.approvals.get(row.approvalId);
      if (approval === undefined) {
        const isToBeAsked = row.state === "open" || row.state === "waiting";
        throw isToBeAsked
          ? new PlatformError("not_ready", `decide recommendation [${row.id}]: it is not worked out yet`)
          : new PlatformError(
              "conflict",
              `decide recommendation [${row.id}]: it is ${row.state}, and nobody is asked`,
            );
      }
      const { decisionId, decision, reason, channel, digest = approval.digest } = body;
      const by = actor.authenticated ? actor.id : (body.by ?? actor.id);
      const details = {
        digest,
        by,
        reason,
        approval: approval.id,
        asset: row.asset,
        predictions: row.evidence.flatMap(({ predictionId }) => predictionId ?? []),
      };
      const audit = auditOf(request, `recommendation.${decision}`, `recommendation/${row.id}`, details);
      const given = { decisionId, decision, reason, channel, by, authenticated: actor.authenticated };
      await orAuditRefusal(db, audit, () => db.approvals.decide(approval.id, digest, given, audit));
      // The decision counts once it is recorded. A wake-up that gets lost only costs time: the workflow looks by itself.
      await workflows.wakeApproval(approval.workflowId).catch((err: unknown) => {
        logger.warn({ recommendation: row.id, err }, "approval workflow could not be woken");
      });
      const { policy: _policy, ...now } = found(
        await db.recommendations.get(row.id),
        "recommendation",
        row.id,
      );
      return now;
    },
  }),
];
