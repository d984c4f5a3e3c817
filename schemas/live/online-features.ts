import { z } from "zod";
import { dataIdSchema, nameSchema, sha256Schema } from "../names.ts";

/**
 * How a value of the online store stands: `present` and fresh; `null`: computed and missing; `stale`: older than the time to
 * live; `unfit`: resting on readings that failed a check; `not_found`: the asset has no reading.
 */
export const FEATURE_STATUSES = ["present", "null", "stale", "unfit", "not_found"] as const;
export const featureStatusSchema = z.enum(FEATURE_STATUSES);
export type FeatureStatus = z.infer<typeof featureStatusSchema>;

export const onlineFeatureSchema = z.strictObject({
  name: z.string(),
  /** A category as its word; null: missing. */
  value: z.union([z.number(), z.string(), z.null()]),
  unit: z.string().optional(),
  status: featureStatusSchema,
  /** Seconds since the reading it was computed at; null without one. */
  ageSeconds: z.number().nullable(),
  reason: z.string().optional(),
});
export type OnlineFeature = z.infer<typeof onlineFeatureSchema>;

/** Reply of `GET /v1/features/{asset}`. */
export const onlineFeaturesSchema = z.strictObject({
  asset: dataIdSchema,
  model: nameSchema,
  version: z.int(),
  digest: sha256Schema,
  /** The live source that feeds the model. */
  source: nameSchema,
  /** The worst of the features' own; `present` also where some are `null`. */
  status: featureStatusSchema,
  /** Time of the newest reading: ISO 8601 in UTC, or the cycle; null without one. */
  at: z.union([z.string(), z.number(), z.null()]),
  epoch: z.int().nullable(),
  ageSeconds: z.number().nullable(),
  ttlSeconds: z.number(),
  features: z.array(onlineFeatureSchema),
  warnings: z.array(z.string()),
});
export type OnlineFeatures = z.infer<typeof onlineFeaturesSchema>;

/** Assets in one request of `POST /v1/features`. */
const MOST_ASSETS = 1_000;

/** Body of `POST /v1/features`: the present features of several assets. */
export const featuresRequestSchema = z.strictObject({
  model: nameSchema.optional().describe("May be left out where one model serves."),
  assets: z.array(dataIdSchema).min(1).max(MOST_ASSETS),
});

/** In the order of the request. */
export const featuresReplySchema = z.strictObject({ items: z.array(onlineFeaturesSchema) });

/** What a scorer gives the API for a prediction. */
export const onlineRowSchema = onlineFeaturesSchema.omit({ features: true }).extend({
  /** In the order of the view; null = missing. */
  row: z.array(z.number().nullable()),
  /** What the pipeline does with features that are not fit. */
  policy: z.enum(["reject", "impute", "flag"]),
  /** Places of features that are `stale` or `unfit`, with the reason. */
  unfit: z.array(z.strictObject({ index: z.int(), status: featureStatusSchema, reason: z.string() })),
});
export type OnlineRow = z.infer<typeof onlineRowSchema>;

/** Body of `POST /v1/features/history`: the features of assets as they were at given times. */
export const featureHistorySchema = z.strictObject({
  model: nameSchema.optional(),
  rows: z
    .array(
      z.strictObject({
        asset: dataIdSchema,
        /** ISO 8601 with an offset, or the cycle. */
        time: z.union([z.string().max(64), z.int()]),
      }),
    )
    .min(1)
    .max(1_000),
});
export type FeatureHistoryRequest = z.infer<typeof featureHistorySchema>;

/** The features of an asset at its newest reading up to a time. */
export const featureHistoryRowSchema = z.strictObject({
  asset: dataIdSchema,
  /** As it was asked for. */
  time: z.union([z.string(), z.number()]),
  at: onlineFeaturesSchema.shape.at,
  epoch: onlineFeaturesSchema.shape.epoch,
  /** From that reading to the time asked for. */
  ageSeconds: z.number().nullable(),
  status: featureStatusSchema,
  /** By name; null = missing. */
  values: z.record(z.string(), onlineFeatureSchema.shape.value),
});
export type FeatureHistoryRow = z.infer<typeof featureHistoryRowSchema>;

export const featureHistoryReplySchema = onlineFeaturesSchema
  .pick({ model: true, version: true, digest: true, source: true })
  .extend({ rows: z.array(featureHistoryRowSchema) });
export type FeatureHistory = z.infer<typeof featureHistoryReplySchema>;

/** A champion, and what feeds its features with live readings. */
export const featureFeedSchema = z.strictObject({
  model: nameSchema,
  version: z.int(),
  source: nameSchema.nullable().describe("The live source; null: none does."),
  problem: z
    .strictObject({ code: z.string(), message: z.string() })
    .nullable()
    .describe("Why nothing feeds it."),
  features: z.int(),
  beside: z
    .array(z.string())
    .describe("Events and attributes that features use beside readings; they are those of `dataset`."),
  dataset: sha256Schema
    .nullable()
    .describe("The newest of the pipeline, where features use any; null: none."),
  ttlSeconds: z.number().nullable(),
  policy: z.enum(["reject", "impute", "flag"]).nullable(),
});
export type FeatureFeed = z.infer<typeof featureFeedSchema>;
export const featureFeedsSchema = z.strictObject({ items: z.array(featureFeedSchema) });
export type FeatureFeeds = z.infer<typeof featureFeedsSchema>;

/** What of the features of live readings is to be brought up to date, and how that went. */
export const featuresRefreshSchema = z.strictObject({
  model: nameSchema.optional().describe("Of this model alone; default: of every champion."),
  isWhole: z
    .boolean()
    .default(false)
    .describe("Every asset, and not only those whose answer is behind the champion or the newest reading."),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("Every asset whose newest reading was stored since then."),
});

export const featuresRefreshedSchema = z.strictObject({
  scorers: z.int().describe("Scorers that were there."),
  models: z.int().describe("Champions that live readings feed."),
  assets: z.int().describe("Assets, once for each model, whose features are computed anew."),
});

/** The schedule of a workflow, as Temporal has it. */
export const scheduleSchema = z.strictObject({
  id: z.string(),
  isPaused: z.boolean(),
  note: z.string().nullable(),
  everySeconds: z.number().nullable(),
  nextAt: z.string().nullable(),
  lastAt: z.string().nullable(),
});
export type ScheduleView = z.infer<typeof scheduleSchema>;

/** What a scorer is asked to compute anew, an asset's page at a time. */
export const featureRefreshSchema = z.strictObject({
  model: nameSchema,
  /** Assets behind this one; empty: from the first. */
  after: z.string(),
  /** Every asset, and not only those whose score is behind. */
  isWhole: z.boolean(),
  /** Of them those whose newest reading was stored since then, behind or not; ms since 1970. */
  sinceMs: z.number().optional(),
});
export type FeatureRefreshRequest = z.infer<typeof featureRefreshSchema>;

export const featureRefreshReplySchema = z.strictObject({
  /** Assets that are computed anew. */
  assets: z.int(),
  /** Where the next page begins; null: this was the last. */
  next: z.string().nullable(),
});
export type FeatureRefreshReply = z.infer<typeof featureRefreshReplySchema>;
