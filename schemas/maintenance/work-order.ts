import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";
import { assessmentSchema } from "./recommendation.ts";

/** `undelivered`: its channel did not take it; it can be sent again, or is fetched. */
export const WORK_ORDER_STATES = [
  "created",
  "sent",
  "undelivered",
  "acknowledged",
  "in_progress",
  "closed",
] as const;
export type WorkOrderState = (typeof WORK_ORDER_STATES)[number];

/**
 * What came of the work. `confirmed`: the asset had failed, or the part was found failed; `replaced_part`: changed before it
 * failed; `false_alarm`: looked at and found sound; `no_fault_found`: nothing found, and nobody says that the answer was wrong;
 * `not_done`: nobody looked.
 */
export const WORK_OUTCOMES = [
  "confirmed",
  "replaced_part",
  "false_alarm",
  "no_fault_found",
  "not_done",
] as const;
export type WorkOutcome = (typeof WORK_OUTCOMES)[number];

/** A data time: ISO 8601 with an offset, or the cycle. */
const dataTimeSchema = z.union([z.iso.datetime({ offset: true }), z.int().min(0)]);

const text = (most: number) => z.string().min(1).max(most);

export const workOutcomeSchema = z
  .strictObject({
    result: z.enum(WORK_OUTCOMES),
    failedAt: dataTimeSchema.optional().describe("Of confirmed: when it failed; default: `seenAt`."),
    seenAt: dataTimeSchema
      .optional()
      .describe(
        "When the asset was looked at or the part was replaced; default: now, and where time is a cycle that of the newest answer.",
      ),
    mode: text(200).optional().describe("How it failed."),
    part: text(200).optional().describe("What was replaced."),
    hours: z.number().min(0).max(1e6).optional().describe("Downtime."),
    cost: z.number().min(0).max(1e12).optional().describe("What it came to, in the declared currency."),
    comment: text(2_000).optional(),
  })
  .refine(({ result, failedAt }) => failedAt === undefined || result === "confirmed", {
    message: "expected it with the result confirmed only: what was changed in time has not failed",
    path: ["failedAt"],
  });
export type WorkOutcomeDetails = z.infer<typeof workOutcomeSchema>;

/** Body of `POST /v1/work-orders/{id}/events`: what a maintenance system or a person says of an order. */
export const workOrderEventSchema = z
  .strictObject({
    eventId: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 visible ASCII characters")
      .describe("The sender's own: the same again changes nothing."),
    kind: z.enum(["acknowledged", "started", "closed"]),
    externalId: text(128).optional().describe("What the maintenance system calls the order."),
    by: text(128).optional().describe("Who did it; without keys it is who says so."),
    comment: text(2_000).optional(),
    outcome: workOutcomeSchema.optional(),
  })
  .refine(({ kind, outcome }) => (kind === "closed") === (outcome !== undefined), {
    message: "expected with the kind closed, and with it alone",
    path: ["outcome"],
  });
export type WorkOrderEvent = z.infer<typeof workOrderEventSchema>;

/** What a work order says, as it is sent. */
export const workOrderDocumentSchema = z.strictObject({
  kind: z.literal("aura.work-order/1"),
  id: z.string(),
  recommendation: z.string(),
  model: nameSchema,
  version: z.int(),
  asset: dataIdSchema,
  site: z.string().nullable(),
  action: z.string(),
  isCritical: z.boolean(),
  due: assessmentSchema.shape.due,
  reasons: assessmentSchema.shape.reasons,
  costs: assessmentSchema.shape.costs,
  predictionIds: z.array(z.string()),
  decidedBy: z.array(z.string()),
  /** Where events about it are sent. */
  events: z.string(),
});
export type WorkOrderDocument = z.infer<typeof workOrderDocumentSchema>;

export const recordedEventSchema = z.strictObject({
  eventId: z.string(),
  kind: z.string(),
  at: z.string(),
  by: z.string(),
  authenticated: z.boolean(),
  document: z.record(z.string(), z.unknown()),
});
export type RecordedEvent = z.infer<typeof recordedEventSchema>;

/** One work order as the API gives it. */
export const workOrderSchema = z.strictObject({
  id: z.string(),
  recommendationId: z.string(),
  model: nameSchema,
  asset: dataIdSchema,
  state: z.enum(WORK_ORDER_STATES),
  document: workOrderDocumentSchema,
  channel: z.string().nullable(),
  externalId: z.string().nullable(),
  /** Of sending it. */
  attempts: z.int(),
  status: z.int().nullable(),
  reason: z.string().nullable(),
  outcome: workOutcomeSchema.nullable(),
  /** The label that came of the outcome; null: none does, or it is not written yet. */
  labelId: z.string().nullable(),
  createdAt: z.string(),
  sentAt: z.string().nullable(),
  closedAt: z.string().nullable(),
});
export type WorkOrder = z.infer<typeof workOrderSchema>;

/**
 * What an event makes of an order. One that comes late, such as an acknowledgement of work that has begun, changes nothing.
 *
 * @returns undefined: the order is closed, and nothing is said of it any more
 */
export function stateAfterEvent(
  state: WorkOrderState,
  kind: WorkOrderEvent["kind"],
): WorkOrderState | undefined {
  if (state === "closed") return undefined;
  if (kind === "closed") return "closed";
  if (kind === "started" || state === "in_progress") return "in_progress";
  return "acknowledged";
}
