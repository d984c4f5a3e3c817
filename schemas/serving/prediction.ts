import { z } from "zod";
import { answerExplanationSchema } from "./explanation.ts";
import { dataIdSchema, nameSchema, sha256Schema } from "../names.ts";

/** A value of a feature, a column or an attribute as a client sends it. */
export const readingValueSchema = z.union([z.number(), z.string().max(512), z.boolean(), z.null()]);

/** What a prediction was made for: `answer` went to the caller; `shadow` was only compared with one. */
export const PREDICTION_ROLES = ["answer", "shadow"] as const;
export type PredictionRole = (typeof PREDICTION_ROLES)[number];

/** Feature rows, computed by the caller: feature name → value. Names beyond the signature are ignored. */
export const predictRowsSchema = z.strictObject({
  model: nameSchema.optional(),
  /** One id per row, for the trace; optional. */
  assets: z.array(dataIdSchema).optional(),
  /**
   * What each row is about, so that a label that comes later finds it: the cycle, or a time as the source declares it; null where
   * it is not known; optional.
   */
  times: z.array(z.union([z.string().max(64), z.number(), z.null()])).optional(),
  rows: z.array(z.record(z.string(), readingValueSchema)).min(1).max(10_000),
});

/** One asset with its recent readings, oldest first; the features of the last one are computed here. */
export const predictAssetSchema = z.strictObject({
  model: nameSchema.optional(),
  asset: dataIdSchema,
  /** `t`: the cycle, or a time as the source declares it; the other members are columns of the readings source. */
  readings: z.array(z.record(z.string(), readingValueSchema)).min(1).max(10_000),
  /** Column → value, of the attributes sources. */
  attributes: z.record(z.string(), readingValueSchema).optional(),
  /** Event rows with `t`, and `source` where the pipeline has more than one events source. */
  events: z.array(z.record(z.string(), readingValueSchema)).max(10_000).optional(),
});

/** An asset alone: its features are those of its live readings. */
export const predictLiveSchema = z.strictObject({ model: nameSchema.optional(), asset: dataIdSchema });

export type PredictAsset = z.infer<typeof predictAssetSchema>;

/** Where the truth lies with a probability of `level`; ends within the range of possible answers. */
export const answerIntervalSchema = z.strictObject({
  low: z.number(),
  high: z.number(),
  level: z.number(),
});

/** A forecast at one horizon, in the unit of the reply. */
export const forecastPointSchema = z.strictObject({
  /** As declared, e.g. `6h`, or a number of cycles. */
  horizon: z.union([z.string(), z.int()]),
  /** With readings: the time that is forecast: ISO 8601 in UTC, or the cycle. */
  time: z.union([z.string(), z.number()]).optional(),
  /** The quantile nearest to one half. */
  median: z.number(),
  /** Level → value, ascending. */
  quantiles: z.record(z.string(), z.number()),
});
export type ForecastPoint = z.infer<typeof forecastPointSchema>;

export const predictionSchema = z.strictObject({
  predictionId: z.string(),
  asset: z.string().optional(),
  /** With readings: time of the one that was scored, the last: ISO 8601 in UTC, or the cycle. */
  at: z.union([z.string(), z.number()]).optional(),
  /** Regression: e.g. remaining cycles, in the signature's unit. */
  value: z.number().optional(),
  /** Regression, where the version has intervals: a high end at the cap means that long or longer. */
  interval: answerIntervalSchema.optional(),
  /** Where it was asked for: what moved this answer. */
  explanation: answerExplanationSchema.optional(),
  /** Two classes: probability of the failure class, and whether it reaches the version's threshold. */
  probability: z.number().optional(),
  decision: z.boolean().optional(),
  /** Anomaly: how unusual, with `decision` as above. */
  score: z.number().optional(),
  /** More classes: the likeliest one, and all. */
  class: z.string().optional(),
  probabilities: z.record(z.string(), z.number()).optional(),
  /** Forecast: nearest horizon first. */
  forecast: z.array(forecastPointSchema).optional(),
});
export type Prediction = z.infer<typeof predictionSchema>;

/** Reply of `POST /predict`. */
export const predictReplySchema = z.strictObject({
  predictions: z.array(predictionSchema),
  model: nameSchema,
  version: z.int(),
  digest: sha256Schema,
  /** False when no trace could be written and the policy is to answer nevertheless. */
  traced: z.boolean(),
  unit: z.string().optional(),
  threshold: z.number().optional(),
  /** With readings: which were left out, and what makes the features differ from those of the whole history. */
  warnings: z.array(z.string()).optional(),
});
export type PredictReply = z.infer<typeof predictReplySchema>;
