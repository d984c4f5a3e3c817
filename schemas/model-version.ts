import { z } from "zod";
import { nameSchema, sha256Schema } from "./names.ts";
import { objectRefSchema } from "./object-ref.ts";

/** Files of a version. Every one is hashed into the digest; none holds a time. */
export const VERSION_FILES = {
  onnx: "model.onnx",
  view: "view.json",
  fitted: "fitted.json",
  signature: "signature.json",
  thresholds: "thresholds.json",
  reference: "reference.json",
  card: "card.json",
  golden: "golden.json",
} as const;
export type VersionFileRole = keyof typeof VERSION_FILES;

/** What goes in and out of the served graph. Input is one double tensor `features` [N, n] in this order. */
export const signatureSchema = z.strictObject({
  kind: z.literal("aura.signature/1"),
  problem: z.enum(["regression", "binary", "multiclass"]),
  task: z.enum(["rul", "failure_within", "class"]),
  inputs: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(["number", "category"]),
      unit: z.string().optional(),
      nullable: z.boolean(),
      /** Category inputs: allowed values in code order. */
      values: z.array(z.string()).optional(),
    }),
  ),
  output: z.strictObject({
    name: z.string(),
    unit: z.string().optional(),
    classLabels: z.array(z.string()).optional(),
    /** binary: decision threshold on the probability. */
    threshold: z.number().optional(),
    cap: z.number().optional(),
  }),
});
export type Signature = z.infer<typeof signatureSchema>;

export const versionManifestSchema = z.strictObject({
  kind: z.literal("aura.model/1"),
  model: nameSchema,
  files: z.record(z.string(), objectRefSchema),
});
/** Its `hashOf({kind, model, files: role → sha256})` is the version digest that approvals and traces name. */
export type VersionManifest = z.infer<typeof versionManifestSchema>;

/** Metric key → value; `ci` gives [low, high] of the 95 % bootstrap by asset. */
export const metricSetSchema = z.record(z.string(), z.number());
export type MetricSet = z.infer<typeof metricSetSchema>;

/** What evaluation found, stored with the version and shown to the approver. Plain data, no times. */
export const evaluationSchema = z.strictObject({
  kind: z.literal("aura.evaluation/1"),
  dataset: sha256Schema,
  holdout: sha256Schema,
  labelConvention: z.string(),
  primaryMetric: z.string(),
  candidate: z.string(),
  metrics: z.strictObject({ test: metricSetSchema, cv: metricSetSchema }),
  intervals: z.record(z.string(), z.tuple([z.number(), z.number()])),
  candidates: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      cv: metricSetSchema,
      test: metricSetSchema.optional(),
    }),
  ),
  slices: z.array(
    z.strictObject({ column: z.string(), value: z.string(), rows: z.int(), metrics: metricSetSchema }),
  ),
  thresholds: z.array(z.record(z.string(), z.number())),
  importance: z.array(z.strictObject({ feature: z.string(), gain: z.number() })),
  rows: z.strictObject({ train: z.int(), test: z.int(), cv: z.int() }),
  checks: z.array(z.strictObject({ name: z.string(), passed: z.boolean(), detail: z.string() })),
});
export type Evaluation = z.infer<typeof evaluationSchema>;

export const gateResultSchema = z.strictObject({
  name: z.string(),
  passed: z.boolean(),
  /** Words for people, e.g. `rmse on test 11.2 ≤ 20`. */
  detail: z.string(),
});
export type GateResult = z.infer<typeof gateResultSchema>;
