import { z } from "zod";
import { unusualScoresSchema } from "../models/model-import.ts";
import { sha256Schema } from "../names.ts";

/** Input of `trainModel`: what to train on and what for. Documented in docs/external-trainers.md. */
export const externalRequestSchema = z.strictObject({
  kind: z.literal("aura.external/1"),
  runId: z.string(),
  model: z.string(),
  /** Name of the candidate, and its `params` as the pipeline file has them. */
  candidate: z.string(),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  seed: z.int(),
  /** Fold that is left out, or null: the final training. */
  fold: z.strictObject({ repeat: z.int(), fold: z.int() }).nullable(),
  /** Rounds that cross-validation found best, mean over the folds; null: none were reported, or this is a fold. */
  iterations: z.number().nullable(),
  problem: z.enum(["regression", "binary", "multiclass", "anomaly", "forecast"]),
  /** In code order; null for numbers. */
  classLabels: z.array(z.string()).nullable(),
  primaryMetric: z.string(),
  /**
   * Of forecasts: the column, how far ahead (nearest first), and the levels. A graph gives horizon after horizon, and the
   * levels in this order within each. Columns `__target0` … of the rows are the truths, one for each horizon.
   */
  forecast: z
    .strictObject({
      column: z.string(),
      horizons: z.array(z.union([z.string(), z.number()])),
      quantiles: z.array(z.number()),
    })
    .optional(),
  /**
   * Id of the feature set with the training rows alone: `GET /v1/feature-sets/{id}` is its manifest,
   * `GET /v1/data/features/{id}/parts/{sha256}` a part. The column `__stop` marks rows for early stopping.
   */
  featureSet: sha256Schema,
  rows: z.int(),
});
export type ExternalRequest = z.infer<typeof externalRequestSchema>;

/** In the place of a result: why there is none. Made by the workflow, which knows how the activity ended. */
export interface ExternalFailure {
  readonly kind: "aura.external.failure/1";
  /** Nobody took the work in time. */
  readonly isNobodyThere: boolean;
  readonly message: string;
}

/** Result of `trainModel`. The graph was uploaded with `PUT /v1/uploads`. */
export const externalResultSchema = z.strictObject({
  kind: z.literal("aura.external.result/1"),
  onnx: z.strictObject({ sha256: sha256Schema, bytes: z.int().min(1) }),
  /** As in an import's signature, where the graph is not in the served form. */
  input: z.string().max(256).optional(),
  output: z.string().max(256).optional(),
  column: z.int().min(0).max(1_000).optional(),
  unusual: unusualScoresSchema.optional(),
  /** What the trainer measured itself; kept for people, never judged by. */
  metrics: z.record(z.string().max(64), z.number()).default({}),
  /** Rounds kept by early stopping. */
  iterations: z.number().min(1).max(1e9).optional(),
});
export type ExternalResult = z.infer<typeof externalResultSchema>;
