import { z } from "zod";
import { ALERT_STATES } from "../../stores/postgres/port.ts";
import { auditOf, found, limitQuery, listOf, operator, viewer } from "./parts.ts";
import { route } from "./route.ts";
import type { AnyRoute } from "./route.ts";

const alertSchema = z.strictObject({
  id: z.int(),
  kind: z.string(),
  severity: z.enum(["info", "warning", "critical"]),
  subject: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
  raisedAt: z.string(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedAt: z.string().nullable(),
  resolvedAt: z.string().nullable(),
});
const alertId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** What a person should look at. */
export const alertRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/alerts",
    tag: "alerts",
    summary: "Alerts, newest first. Open: neither acknowledged nor over by itself.",
    policy: viewer,
    query: z.strictObject({
      state: z.enum([...ALERT_STATES, "all"]).default("open"),
      limit: limitQuery(),
      after: alertId.optional().describe("Id of the last alert of the page before."),
    }),
    reply: listOf(alertSchema),
    handle: async ({ query: { state, limit, after } }, { database }) => ({
      items: await database().alerts.list({
        limit,
        ...(state === "all" ? {} : { state }),
        ...(after === undefined ? {} : { after }),
      }),
    }),
  }),
  route({
    method: "post",
    path: "/v1/alerts/{id}/acknowledge",
    tag: "alerts",
    summary: "Say that you look at it. The first to say so stays recorded.",
    policy: operator,
    params: z.strictObject({ id: alertId }),
    reply: alertSchema,
    async handle(request, { database }) {
      const { id } = request.params;
      const entry = auditOf(request, "alert.acknowledge", `alert/${id}`);
      return found(await database().alerts.acknowledge(id, request.actor.id, entry), "alert");
    },
  }),
];
