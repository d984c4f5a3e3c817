import { z } from "zod";
import { nameSchema } from "../../../schemas/names.ts";
import { ALERT_EVENT_KINDS } from "../../../stores/postgres/port/alerting.ts";
import { DELIVERY_STATES } from "../../../stores/postgres/port/alert-deliveries.ts";
import { auditOf, found, limitQuery, listOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const rowId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const deliverySchema = z.strictObject({
  id: z.int(),
  eventId: z.int(),
  event: z.enum(ALERT_EVENT_KINDS),
  alertId: z.int(),
  rule: z.string().nullable(),
  asset: z.string().nullable(),
  channel: nameSchema,
  replay: z.int().describe("0, or which replay it is."),
  state: z.enum(DELIVERY_STATES),
  attempts: z.int(),
  status: z.int().nullable().describe("HTTP or SMTP status of the last attempt."),
  reason: z.string().nullable(),
  createdAt: z.string(),
  settledAt: z.string().nullable(),
});

/** Who was told of which alert. */
export const alertDeliveryRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/alert-deliveries",
    tag: "alerts",
    summary: "What was told to which channel, newest first.",
    policy: viewer,
    query: z.strictObject({
      state: z.enum(DELIVERY_STATES).optional(),
      channel: nameSchema.optional(),
      alert: rowId.optional(),
      limit: limitQuery(),
      after: rowId.optional().describe("Id of the last delivery of the page before."),
    }),
    reply: listOf(deliverySchema),
    async handle({ query: { limit, state, channel, alert, after } }, { database }) {
      const items = await database().alertDeliveries.list({
        limit,
        ...(state === undefined ? {} : { state }),
        ...(channel === undefined ? {} : { channel }),
        ...(alert === undefined ? {} : { alert }),
        ...(after === undefined ? {} : { after }),
      });
      return { items };
    },
  }),
  route({
    method: "post",
    path: "/v1/alert-deliveries/{id}/replay",
    tag: "alerts",
    summary: "Tell it once more, as a delivery of its own with a key of its own.",
    policy: operator,
    params: z.strictObject({ id: rowId }),
    idempotent: true,
    status: 202,
    reply: deliverySchema,
    async handle(request, { database }) {
      const { id } = request.params;
      const entry = auditOf(request, "alert.replay", `alert-delivery/${id}`);
      return found(await database().alertDeliveries.replay(id, entry), "delivery");
    },
  }),
];
