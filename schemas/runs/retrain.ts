import { z } from "zod";
import { nameSchema } from "../names.ts";
import { runOutcomeSchema } from "./run.ts";

/** What may ask for a retrain. */
export const RETRAIN_TRIGGERS = ["manual", "schedule", "drift", "degradation", "labels"] as const;
export const retrainTriggerSchema = z.enum(RETRAIN_TRIGGERS);
export type RetrainTrigger = z.infer<typeof retrainTriggerSchema>;

/**
 * Why none starts: one is `open`, a `run` of the model goes on, the last one is too young (`cool_down`), the pipeline file
 * does not want it of this trigger (`off`), there is `no_champion`, or there are `few_labels` as yet.
 */
export const refusalCodeSchema = z.enum(["open", "run", "cool_down", "off", "no_champion", "few_labels"]);
export type RefusalCode = z.infer<typeof refusalCodeSchema>;

export const retrainSchema = z.strictObject({
  model: nameSchema,
  window: z
    .string()
    .describe("Names it beside its model: where its cool-down begins, or when a person asked."),
  workflowId: z.string(),
  trigger: retrainTriggerSchema,
  reason: z.string(),
  requestedBy: z.string(),
  askedAt: z.string(),
  state: z.enum(["asked", "running", "finished", "failed", "cancelled"]),
  outcome: runOutcomeSchema.nullable().describe("Of its run."),
  runId: z.string().nullable().describe("Its newest run; null before it has one."),
  version: z.int().nullable().describe("What its run registered."),
  message: z.string().nullable().describe("Why it failed."),
  finishedAt: z.string().nullable(),
});
export type Retrain = z.infer<typeof retrainSchema>;

export const retrainRefusalSchema = z.strictObject({
  model: nameSchema,
  trigger: retrainTriggerSchema,
  code: refusalCodeSchema,
  message: z.string(),
  possibleAt: z
    .string()
    .nullable()
    .describe("From then on one may start; null: when what is in the way has ended."),
  times: z.int().describe("How often it was asked for meanwhile."),
  firstAt: z.string(),
  lastAt: z.string(),
});
export type RetrainRefusal = z.infer<typeof retrainRefusalSchema>;

/** Answer of `retrainDue`, as the API reads it from the workflow. */
export const retrainDueSchema = z.discriminatedUnion("isDue", [
  z.strictObject({ isDue: z.literal(true), window: z.string() }),
  z.strictObject({
    isDue: z.literal(false),
    refused: z.strictObject({
      code: refusalCodeSchema,
      message: z.string(),
      possibleAt: z.string().nullable(),
    }),
  }),
]);

/** Body of `POST /v1/retrains`. */
export const askRetrainSchema = z.strictObject({
  model: nameSchema,
  reason: z.string().min(1).max(2_000).describe("Why; it is in the record."),
  by: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("Without keys nobody is known: the name the person gives, recorded as unauthenticated."),
  skipCoolDown: z.boolean().default(false).describe("Whether it starts although the last one is too young."),
});

/** Reply of `POST /v1/retrains`. */
export const askedRetrainSchema = z.strictObject({
  model: nameSchema,
  window: z.string(),
  workflowId: z.string(),
});
