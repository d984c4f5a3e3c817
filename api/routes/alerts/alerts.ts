import { z } from "zod";
import { SEVERITIES } from "../../../schemas/alerts/alert-rule.ts";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { ALERT_STATES } from "../../../stores/postgres/port.ts";
import type { Actor } from "../../../stores/postgres/port.ts";
import { auditOf, found, limitQuery, listOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

export const alertSchema = z.strictObject({
  id: z.int(),
  state: z.enum(["raised", "acknowledged", "cleared"]),
  kind: z.string(),
  severity: z.enum(SEVERITIES),
  subject: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
  rule: z.string().nullable().describe("The rule that raised it; null: the platform itself."),
  asset: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  raisedAt: z.string(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedAt: z.string().nullable(),
  comment: z.string().nullable().describe("What was said when it was acknowledged."),
  resolvedAt: z.string().nullable().describe("When it was over."),
});
const alertId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const alertParams = z.strictObject({ id: alertId });
const acknowledgeSchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe("Who looks at it; with keys it is the key's owner."),
  comment: z.string().max(2_000).optional(),
});

/** With keys on nobody speaks for somebody else. */
const speakerOf = (actor: Actor, name: string | undefined): string =>
  actor.authenticated ? actor.id : (name ?? actor.id);

/** What a person should look at. */
export const alertRoutes: readonly AnyRoute[] = [
  ...(["/v1/alerts", "/alerts"] as const).map((path) =>
    route({
      method: "get",
      path,
      tag: "alerts",
      summary: "Alerts, newest first. Open: neither acknowledged nor over.",
      policy: viewer,
      query: z.strictObject({
        state: z.enum([...ALERT_STATES, "all"]).default("open"),
        asset: dataIdSchema.optional(),
        rule: nameSchema.optional(),
        severity: z.enum(SEVERITIES).optional(),
        limit: limitQuery(),
        after: alertId.optional().describe("Id of the last alert of the page before."),
      }),
      reply: listOf(alertSchema),
      async handle({ query: { state, limit, asset, rule, severity, after } }, { database }) {
        const items = await database().alerts.list({
          limit,
          ...(state === "all" ? {} : { state }),
          ...(asset === undefined ? {} : { asset }),
          ...(rule === undefined ? {} : { rule }),
          ...(severity === undefined ? {} : { severity }),
          ...(after === undefined ? {} : { after }),
        });
        return { items };
      },
    }),
  ),
  route({
    method: "get",
    path: "/v1/alerts/{id}",
    tag: "alerts",
    summary: "One alert.",
    policy: viewer,
    params: alertParams,
    reply: alertSchema,
    handle: async ({ params: { id } }, { database }) => found(await database().alerts.get(id), "alert"),
  }),
  route({
    method: "post",
    path: "/v1/alerts/{id}/acknowledge",
    tag: "alerts",
    summary: "Say that you look at it. The first to say so stays recorded; one that is over is refused.",
    policy: operator,
    params: alertParams,
    body: { kind: "json", schema: acknowledgeSchema, mayBeEmpty: true },
    reply: alertSchema,
    async handle(request, { database }) {
      const { id } = request.params;
      const { name, comment } = request.body;
      const by = { name: speakerOf(request.actor, name), ...(comment === undefined ? {} : { comment }) };
      const entry = auditOf(request, "alert.acknowledge", `alert/${id}`, by);
      const alert = found(await database().alerts.acknowledge(id, by, entry), "alert");
      if (alert.resolvedAt === null) return alert;
      throw new PlatformError(
        "conflict",
        `acknowledge alert [${id}]: it is over since ${alert.resolvedAt}, and what is over cannot be acknowledged any more`,
      );
    },
  }),
  route({
    method: "post",
    path: "/v1/alerts/{id}/clear",
    tag: "alerts",
    summary:
      "Say that it is over. Where its rule still holds, the next reading raises another one; who is silent has to be heard of first.",
    policy: operator,
    params: alertParams,
    reply: alertSchema,
    async handle(request, { database }) {
      const { id } = request.params;
      const entry = auditOf(request, "alert.clear", `alert/${id}`);
      return found(await database().alerts.clear(id, entry), "alert");
    },
  }),
];
