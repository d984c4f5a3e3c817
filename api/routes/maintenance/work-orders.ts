import { z } from "zod";
import {
  recordedEventSchema,
  WORK_ORDER_STATES,
  workOrderEventSchema,
  workOrderSchema,
} from "../../../schemas/maintenance/work-order.ts";
import type { WorkOutcomeDetails } from "../../../schemas/maintenance/work-order.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { auditOf, found, idParams, listOf, orAuditRefusal, siteViewer } from "../parts.ts";
import { route } from "../route.ts";
import { maintenanceFilter, maintenanceQuery } from "./list-query.ts";
import type { AnyRoute } from "../route.ts";

/** Also for the key of a maintenance system that is limited to some sites. */
const siteOperator = { role: "operator", scope: "any" } as const;

/** What is sent to maintenance systems, and what they say of it. */
export const workOrderRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/work-orders",
    tag: "maintenance",
    summary: "Work orders, newest first; those of its sites for a limited key.",
    policy: siteViewer,
    query: maintenanceQuery(z.enum([...WORK_ORDER_STATES, "unended", "all"]).default("unended")),
    reply: listOf(workOrderSchema),
    handle: async ({ query, actor }, { database }) => ({
      items: await database().workOrders.list(maintenanceFilter(query, actor)),
    }),
  }),
  route({
    method: "get",
    path: "/v1/work-orders/{id}",
    tag: "maintenance",
    summary: "One work order, as it is sent and how it went.",
    policy: siteViewer,
    params: idParams,
    reply: workOrderSchema,
    handle: async ({ params: { id }, actor }, { database }) =>
      found(await database().workOrders.get(id, actor.sites), "work order", id),
  }),
  route({
    method: "get",
    path: "/v1/work-orders/{id}/events",
    tag: "maintenance",
    summary: "What was said of a work order, in order.",
    policy: siteViewer,
    params: idParams,
    reply: listOf(recordedEventSchema),
    async handle({ params: { id }, actor }, { database }) {
      found(await database().workOrders.get(id, actor.sites), "work order", id);
      return { items: await database().workOrders.events(id) };
    },
  }),
  route({
    method: "post",
    path: "/v1/work-orders/{id}/events",
    tag: "maintenance",
    summary:
      "Say what happens with a work order: acknowledged, started, closed with its outcome, which becomes a label. The same event id again changes nothing.",
    policy: siteOperator,
    params: idParams,
    body: { kind: "json", schema: workOrderEventSchema },
    reply: workOrderSchema,
    async handle(request, deps) {
      const { actor, body, params } = request;
      const db = deps.database();
      const order = found(await db.workOrders.get(params.id, actor.sites), "work order", params.id);
      if (body.outcome !== undefined) await checkTimes(order.recommendationId, body.outcome, deps);
      const sender = {
        by: actor.authenticated ? actor.id : (body.by ?? actor.id),
        authenticated: actor.authenticated,
      };
      const audit = auditOf(request, `work_order.${body.kind}`, `work-order/${order.id}`, {
        event: body.eventId,
        ...(body.externalId === undefined ? {} : { externalId: body.externalId }),
        ...(body.by === undefined ? {} : { by: body.by }),
        ...(body.outcome === undefined ? {} : { outcome: body.outcome }),
      });
      const taken = await orAuditRefusal(db, audit, () => db.workOrders.take(order.id, body, sender, audit));
      await wake(taken.recommendationId, deps);
      return taken;
    },
  }),
  route({
    method: "post",
    path: "/v1/work-orders/{id}/send",
    tag: "maintenance",
    summary: "Send a work order to its channel once more, under the same idempotency key.",
    policy: siteOperator,
    params: idParams,
    reply: workOrderSchema,
    async handle(request, deps) {
      const { actor, params } = request;
      const db = deps.database();
      const { id } = found(await db.workOrders.get(params.id, actor.sites), "work order", params.id);
      const audit = auditOf(request, "work_order.send", `work-order/${id}`);
      const order = await orAuditRefusal(db, audit, () => db.workOrders.resend(id, audit));
      await wake(order.recommendationId, deps);
      return order;
    },
  }),
];

/** It looks by itself as well, only later. */
async function wake(recommendationId: string, { workflows, logger }: ApiDeps): Promise<void> {
  await workflows.wakeRecommendation(recommendationId).catch((err: unknown) => {
    logger.warn({ recommendation: recommendationId, err }, "recommendation could not be woken");
  });
}

const MAX_AHEAD_MS = 300_000;

/**
 * Times of an outcome are those of the asset's data.
 *
 * @throws {PlatformError} invalid_body: a date where time is a cycle or the reverse, or one that is to come
 */
async function checkTimes(
  recommendationId: string,
  { failedAt, seenAt }: WorkOutcomeDetails,
  { database }: Pick<ApiDeps, "database">,
): Promise<void> {
  const row = await database().recommendations.get(recommendationId);
  const isCycle = row?.latest.timeKind === "cycle";
  for (const [name, value] of Object.entries({ failedAt, seenAt })) {
    if (value === undefined) continue;
    const isFit = isCycle ? typeof value === "number" : typeof value === "string";
    const expected = isCycle
      ? "a cycle, as the asset's time is one"
      : "a time that has been, in ISO 8601 with an offset";
    if (isFit && (isCycle || Date.parse(String(value)) <= Date.now() + MAX_AHEAD_MS)) continue;
    const field = `outcome.${name}`;
    throw new PlatformError(
      "invalid_body",
      `close work order [${field}]: expected ${expected}, got ${value}`,
      {
        locations: [{ field, expected, found: String(value) }],
      },
    );
  }
}
