import { z } from "zod";
import { sha256Schema } from "../../../schemas/names.ts";
import { RECOMMENDATION_STATES, recommendationSchema } from "../../../schemas/maintenance/recommendation.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import type { StoredRecommendation } from "../../../stores/postgres/port/maintenance.ts";
import { recommendationOfApproval } from "../../../temporal-config/constants.ts";
import { auditOf, found, idParams, listOf, orAuditRefusal, siteViewer } from "../parts.ts";
import { route } from "../route.ts";
import { maintenanceFilter, maintenanceQuery } from "./list-query.ts";
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
    query: maintenanceQuery(z.enum([...RECOMMENDATION_STATES, "unended", "all"]).default("unended")),
    reply: listOf(recommendationSchema),
    handle: async ({ query, actor }, { database }) => ({
      items: await database().recommendations.list(maintenanceFilter(query, actor)),
    }),
  }),
  route({
    method: "get",
    path: "/v1/recommendations/{id}",
    tag: "maintenance",
    summary:
      "One recommendation: what, why, by when, at what cost, and what became of it; by its approval's id as well.",
    policy: siteViewer,
    params: idParams,
    reply: recommendationSchema,
    async handle({ params: { id }, actor }, { database }) {
      const row = await recommendationBy(database(), id, actor.sites);
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
      const row = await recommendationBy(db, params.id, actor.sites);
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

/** By its own id, or that of the approval that decides it. @throws {PlatformError} not_found */
async function recommendationBy(
  { recommendations }: Pick<Database, "recommendations">,
  id: string,
  sites: Parameters<Database["recommendations"]["get"]>[1],
): Promise<StoredRecommendation> {
  const other = recommendationOfApproval(id);
  const row =
    (await recommendations.get(id, sites)) ??
    (other === undefined ? undefined : await recommendations.get(other, sites));
  return found(row, "recommendation", id);
}
