import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";
import { spanSchema } from "./time.ts";

export const holdoutSchema = z.discriminatedUnion("by", [
  z.strictObject({ by: z.literal("asset"), share: z.number().gt(0).lt(1).default(0.2) }),
  z.strictObject({ by: z.literal("parts"), parts: z.array(nameSchema).min(1) }),
  z.strictObject({
    by: z.literal("time"),
    share: z.number().gt(0).lt(1).default(0.2).describe("The last share of the time span."),
    gap: spanSchema.optional().describe("Rows within this span before the holdout are dropped."),
  }),
  z.strictObject({ by: z.literal("row"), share: z.number().gt(0).lt(1).default(0.2) }),
]);
export type Holdout = z.infer<typeof holdoutSchema>;

export const splitSchema = z.strictObject({
  holdout: holdoutSchema.optional().describe("Default: by asset where there is one, else by row."),
  folds: z
    .int()
    .min(2)
    .max(20)
    .default(5)
    .describe("Cross-validation folds over what is not held out, grouped by asset."),
  repeats: z.int().min(1).max(10).default(1).describe("Fold assignments (seeds) averaged in metrics.cv."),
  stratify: z.boolean().default(true).describe("Class tasks: keep class shares equal over folds."),
  seed: z.int().min(0).default(7),
});
export type Split = z.infer<typeof splitSchema>;

export const evaluateSchema = z.strictObject({
  rows: z.enum(["all", "last_per_asset"]).default("all").describe("Holdout rows that count."),
  cvRows: z
    .enum(["all", "cut_points"])
    .default("all")
    .describe(
      "cut_points: random rows of each validation asset, so that folds resemble series cut before failure.",
    ),
  slices: z
    .array(dataIdSchema)
    .default([])
    .describe("Text columns or attributes whose values get metrics of their own."),
});

const paramValue = z.union([z.number(), z.string(), z.boolean()]);
export const candidateSchema = z.strictObject({
  kind: z.enum(["gbdt", "forest", "linear"]),
  name: nameSchema.optional(),
  params: z.record(z.string(), paramValue).default({}),
  classWeight: z
    .union([z.literal("balanced"), z.number().positive()])
    .optional()
    .describe("Weight of the positive class."),
  seeds: z.int().min(1).max(10).default(1).describe("Models of this many seeds are averaged in one graph."),
});
export type Candidate = z.infer<typeof candidateSchema>;

export const gateSchema = z
  .strictObject({
    metric: z.string().max(64),
    on: z.enum(["test", "cv"]).default("test"),
    max: z.number().optional(),
    min: z.number().optional(),
  })
  .refine((g) => (g.max === undefined) !== (g.min === undefined), "expected exactly one of `min` and `max`");
export type Gate = z.infer<typeof gateSchema>;

export const championSchema = z.strictObject({
  margin: z
    .number()
    .min(0)
    .default(0)
    .describe("The primary metric must be better by more than this (absolute)."),
  guards: z
    .array(z.strictObject({ metric: z.string().max(64), maxWorse: z.number().min(0) }))
    .default([])
    .describe("Metrics that may be worse than the champion's by at most this much."),
});

export const costsSchema = z.strictObject({
  missedFailure: z.number().nonnegative(),
  falseAlarm: z.number().nonnegative(),
  currency: z.string().max(8).default("EUR"),
});

export const approvalSchema = z.strictObject({
  approvers: z.array(z.string().min(1).max(128)).default([]).describe("Who may decide; empty: any approver."),
  quorum: z.int().min(1).max(10).default(1),
  deadline: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/)
    .default("7d"),
  onDeadline: z.enum(["expire", "reject", "escalate"]).default("expire"),
  escalateTo: z.array(z.string().min(1).max(128)).default([]),
  reminder: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/)
    .default("1d")
    .describe("A reminder is recorded this often."),
  allowDirectSignals: z
    .boolean()
    .default(false)
    .describe(
      "With keys on: whether signals sent straight to Temporal decide (recorded as unauthenticated).",
    ),
});
export type ApprovalPolicy = z.infer<typeof approvalSchema>;

export const monitoringSchema = z.strictObject({
  every: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/)
    .default("1h"),
  window: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/)
    .default("24h")
    .describe("Predictions looked at per check."),
  minRows: z.int().min(50).default(500),
  psi: z
    .number()
    .positive()
    .default(0.2)
    .describe("Effect: PSI above its null mean by more than this is drift."),
  ks: z.number().positive().default(0.1).describe("Effect: KS distance above this is drift."),
  significance: z.number().gt(0).lt(1).default(0.01).describe("Benjamini–Hochberg q below this."),
  confirmations: z.int().min(1).max(10).default(2).describe("Checks in a row that must say drift."),
});

export const retrainingSchema = z.strictObject({
  onDrift: z.boolean().default(true),
  coolDown: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/)
    .default("1d"),
});
