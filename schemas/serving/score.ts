import { z } from "zod";
import { sourceCountsSchema } from "../data/dataset.ts";
import { servedForecastSchema, servedIntervalSchema } from "../models/model-version.ts";
import { nameSchema, sha256Schema } from "../names.ts";
import { answerIntervalSchema, forecastPointSchema } from "./prediction.ts";

/** One line of a ranked fleet. */
export const rankedAssetSchema = z.strictObject({
  asset: z.string(),
  /** From 1, most urgent first. */
  rank: z.int(),
  /** Risk 0 to 1, remaining life in `unit`, index of the class, how unusual, or the median at the nearest horizon. */
  value: z.number(),
  /**
   * By which the fleet is ranked; else null. Of several classes: probability of any but `summary.commonClass`. Of a forecast
   * with a limit: probability that it is crossed, at the horizon where that is likeliest.
   */
  risk: z.number().nullable().default(null),
  /** Of a remaining life, where the version has intervals. */
  interval: answerIntervalSchema.optional(),
  /** Of a forecast: nearest horizon first. */
  forecast: z.array(forecastPointSchema).optional(),
  /** As of when: time of the reading that was scored, ISO 8601 or the cycle. */
  at: z.string(),
  /** Accepted readings of the asset. */
  readings: z.int(),
  /** Its history is shorter than the model's longest window, or begins after a life that features look back on. */
  short: z.boolean(),
  /** Features without a value at that reading: a sensor was silent, or the history is shorter than a look-back. */
  missing: z.int(),
});
export type RankedAsset = z.infer<typeof rankedAssetSchema>;

/**
 * Why an asset that the files name has no rank. `no_features`: none could be computed at its last reading, as its history
 * is shorter than every window, or its sensors are silent; an answer would say nothing of it. `no_present_value`: the column
 * that is forecast has no value at its last reading.
 */
export const LEFT_OUT_REASONS = [
  "all_rows_quarantined",
  "no_readings",
  "no_features",
  "no_present_value",
] as const;

export const leftOutAssetSchema = z.strictObject({
  asset: z.string(),
  reason: z.enum(LEFT_OUT_REASONS),
  /** Rows of it in the readings: quarantined ones; of `no_features` accepted ones. */
  rows: z.int(),
  /** Quarantine codes of these rows. */
  codes: z.array(z.string()),
});
export type LeftOutAsset = z.infer<typeof leftOutAssetSchema>;

/** What the numbers of a fleet score mean, and what of the files they rest on. */
export const scoreSummarySchema = z.strictObject({
  kind: z.enum(["risk", "rul", "class", "score", "forecast"]),
  /**
   * The highest risk or the least remaining life is the most urgent. Of several classes it is that of each row's `risk`,
   * or of the class's index where the model does not say which class is the common one. Of a forecast it is that of each
   * row's `risk`; without a limit assets stand by name.
   */
  order: z.enum(["descending", "ascending", "name"]),
  /** Unit of a remaining life; null: a risk is a probability. */
  unit: z.string().nullable(),
  /** Time within which the risk is one of failure, as the pipeline file says it. */
  horizon: z.string().nullable(),
  /** Longest remaining life that the model tells apart. */
  cap: z.number().nullable(),
  /** How far off a remaining life may be; absent where the version does not say. */
  interval: servedIntervalSchema.optional(),
  /** Of a forecast: column, horizons, quantiles and limit. */
  forecast: servedForecastSchema.optional(),
  /** Risk or score from which an asset is an alarm. */
  threshold: z.number().nullable(),
  /** Classes by index. */
  classLabels: z.array(z.string()).nullable(),
  /** The class that most training rows have: usually the healthy one. */
  commonClass: z.string().nullable().default(null),
  /** Rows of all files together; read = accepted + quarantined. Null for a key that is limited to some sites. */
  data: sourceCountsSchema
    .extend({
      bySource: z.record(z.string(), sourceCountsSchema),
      /** Share of bad rows above which the model's own pipeline refuses to train. */
      maxBadShare: z.number(),
    })
    .nullable(),
  /** seen = scored + leftOut; of the scored `incomplete` miss a feature, `short` have less history than is needed. */
  assets: z.strictObject({
    seen: z.int(),
    scored: z.int(),
    leftOut: z.int(),
    incomplete: z.int(),
    short: z.int(),
  }),
  /** History that the model's longest windows look back on: readings, and hours where they count time. */
  needs: z.strictObject({ readings: z.int(), hours: z.number() }),
  /** Number of features of the model. */
  features: z.int(),
  /** The first thousand. */
  leftOut: z.array(leftOutAssetSchema),
});
export type ScoreSummary = z.infer<typeof scoreSummarySchema>;
export type RowCounts = NonNullable<ScoreSummary["data"]>;

/** Reply of `GET /v1/scores/{id}`. */
export const fleetScoreSchema = z.strictObject({
  id: z.string(),
  model: nameSchema,
  version: z.int(),
  digest: sha256Schema,
  dataset: z.string(),
  summary: scoreSummarySchema,
  rows: z.array(rankedAssetSchema),
});
export type FleetScoreReply = z.infer<typeof fleetScoreSchema>;
