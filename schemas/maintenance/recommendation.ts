import { z } from "zod";
import { dataIdSchema, nameSchema, sha256Schema } from "../names.ts";
import { approvalSchema } from "../pipeline/training.ts";
import { answerSchema } from "./answer.ts";

/**
 * `open`: being worked out; `waiting`: for people; `ordered`: a work order stands; `closed`: with the work order's outcome;
 * `rejected` and `expired`: by people and by the deadline; `withdrawn`: the answers recovered before anybody decided;
 * `cancelled`: its workflow was, in Temporal; `failed`: its workflow failed or is gone.
 */
export const RECOMMENDATION_STATES = [
  "open",
  "waiting",
  "ordered",
  "closed",
  "rejected",
  "expired",
  "withdrawn",
  "cancelled",
  "failed",
] as const;
export type RecommendationState = (typeof RECOMMENDATION_STATES)[number];
/** How one ends that comes to no work order. */
export type EndedState = Extract<
  RecommendationState,
  "rejected" | "expired" | "withdrawn" | "cancelled" | "failed"
>;
export const OPEN_STATES: readonly RecommendationState[] = ["open", "waiting", "ordered"];

/** What acting now and waiting for the next opportunity are expected to cost, in the declared currency. */
export const expectedCostsSchema = z.strictObject({
  currency: z.string(),
  acting: z.number(),
  waiting: z.number(),
  /** Of a failure before the next opportunity. */
  probability: z.number(),
  /** To the next opportunity: hours, or cycles. */
  until: z.number(),
  advice: z.enum(["act", "wait"]),
  /** Mean distance of predicted probabilities from what happened, on the holdout; null for a remaining life. */
  calibrationError: z.number().nullable(),
  /** How the probability follows from the answer. */
  basis: z.string(),
});
export type ExpectedCosts = z.infer<typeof expectedCostsSchema>;

/** What is to be done, why, by when, and at what cost. */
export const assessmentSchema = z.strictObject({
  action: z.string(),
  isCritical: z.boolean(),
  /** A named person or the deciders are asked, or a work order is made at once. */
  mode: z.enum(["ask", "order"]),
  /** The features that moved the answer most; null where they are not known, and why. */
  reasons: z
    .array(
      z.strictObject({
        feature: z.string(),
        value: z.union([z.number(), z.string(), z.null()]),
        unit: z.string().optional(),
        contribution: z.number(),
      }),
    )
    .nullable(),
  reasonsMissing: z.string().nullable(),
  /** ISO 8601, or the cycle; null where the answer says nothing of time. */
  due: z
    .strictObject({
      by: z.union([z.string(), z.int()]),
      /** Probability of a failure until the work, begun then, is done. */
      risk: z.number(),
      isOverdue: z.boolean(),
    })
    .nullable(),
  costs: expectedCostsSchema.nullable(),
  costsMissing: z.string().nullable(),
});
export type Assessment = z.infer<typeof assessmentSchema>;

/** One recommendation as the API gives it. */
export const recommendationSchema = z.strictObject({
  id: z.string(),
  model: nameSchema,
  asset: dataIdSchema,
  /** Which of the asset's, from 1. */
  n: z.int(),
  state: z.enum(RECOMMENDATION_STATES),
  version: z.int(),
  digest: sha256Schema,
  workflowId: z.string(),
  /** The answers that opened it, oldest first. */
  evidence: z.array(answerSchema),
  /** The newest answer since. */
  latest: answerSchema,
  assessment: assessmentSchema.nullable(),
  /** Who may decide, and until when the first of them. */
  deciders: approvalSchema.nullable(),
  approvalId: z.string().nullable(),
  decidedBy: z.array(z.string()),
  /** The answers no longer say so since then. */
  recoveredAt: z.string().nullable(),
  workOrderId: z.string().nullable(),
  outcome: z.string().nullable(),
  /** Why it was cancelled, or failed. */
  reason: z.string().nullable(),
  openedAt: z.string(),
  closedAt: z.string().nullable(),
});
export type Recommendation = z.infer<typeof recommendationSchema>;
