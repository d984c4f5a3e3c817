import { z } from "zod";
import { rawFileSchema } from "../data/dataset.ts";
import { gateResultSchema, metricSetSchema } from "../models/model-version.ts";
import { performanceStateSchema } from "../models/performance-report.ts";
import { nameSchema, sha256Schema } from "../names.ts";
import { objectRefSchema } from "../object-ref.ts";

/** A span of the data's time: a duration such as `7d`, or a whole number of cycles. */
const spanText = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)?$/, "expected a duration such as 7d, or a number of cycles");
/** A moment of the data's time: ISO 8601, or a cycle. */
const momentText = z.string().min(1).max(64);

/** How history is gone through again. */
export const replayOptionsSchema = z.strictObject({
  /** When the first model is trained: a share of the time span such as `40%`, or a moment. */
  start: momentText.default("40%"),
  /** Length of a window; default: `monitoring.window` of the pipeline file. */
  every: spanText.optional(),
  /** How long after it happened an outcome is known; default: `performance.delay` where failures are events, else 0. */
  labelDelay: spanText.optional(),
  /** The last moment that is looked at; default: the last reading. */
  until: momentText.optional(),
  /** false: only the model of the beginning, which nothing ever replaces. */
  loop: z.boolean().default(true),
  /** All assets count the same cycles, so that cycle 500 is the same moment for each of them. */
  sharedCycles: z.boolean().default(false),
});
export type ReplayOptions = z.infer<typeof replayOptionsSchema>;

/** Body of `POST /v1/replays`. */
export const startReplaySchema = z.strictObject({
  pipeline: z.string().min(1).max(1_000_000),
  files: z.array(rawFileSchema).max(10_000),
  options: replayOptionsSchema.prefault({}),
});

/** How good the model in service was in one window, by what became known later. */
export const windowQualitySchema = z.strictObject({
  /** Number of the training that made the model. */
  training: z.int(),
  /** Rows whose outcome is known. */
  rows: z.int(),
  /** Of two classes: rows that a failure followed. */
  positives: z.int().optional(),
  /** The primary metric; null: see `reason`. */
  value: z.number().nullable(),
  /** 95 %, by resampling assets; null where there are too few. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Why there is no value. */
  reason: z.string().optional(),
  metrics: metricSetSchema,
  /** Of two classes with declared costs, at the model's threshold. */
  cost: z.number().optional(),
});
export type WindowQuality = z.infer<typeof windowQualitySchema>;

/** What one check of a window came to, as a check of live predictions would have. */
export const windowDriftSchema = z.strictObject({
  state: z.enum(["ok", "drift", "insufficient_data"]),
  confirmed: z.boolean(),
  nDrifted: z.int(),
  /** The first of them, by name. */
  drifted: z.array(z.string()),
  reason: z.string(),
  /** The whole report, as a drift check of a served model records it. */
  report: objectRefSchema,
});

/** What one check of the quality came to, by the labels that were known then. */
export const windowPerformanceSchema = z.strictObject({
  state: performanceStateSchema,
  confirmed: z.boolean(),
  reason: z.string(),
});
export type WindowPerformance = z.infer<typeof windowPerformanceSchema>;

/** One window of the replay. Times are those of the data. */
export const replayWindowSchema = z.strictObject({
  index: z.int(),
  from: z.string(),
  to: z.string(),
  /** Predictions made in it. */
  rows: z.int(),
  /** The model that the loop had in service. */
  loop: windowQualitySchema,
  /** The first model, which would be in service without the loop. */
  frozen: windowQualitySchema,
  drift: windowDriftSchema,
  /** What a check of the quality would have said at its end; absent where it would start no retrain. */
  performance: windowPerformanceSchema.optional(),
  /** Labels that became known since the last training, where enough of them would start a retrain. */
  newLabels: z.int().optional(),
});
export type ReplayWindow = z.infer<typeof replayWindowSchema>;

/** One training in the replay, and what the rules decided about it. */
export const replayTrainingSchema = z.strictObject({
  number: z.int(),
  /** When it was trained. */
  at: z.string(),
  /** Nothing later than this was known: `at` less the label delay. */
  knownUntil: z.string(),
  /** Why. */
  reason: z.string(),
  outcome: z.enum(["promoted", "refused", "failed"]),
  /** What the rules said, or why it failed. */
  message: z.string(),
  /** Snapshot it was trained on, and digest of the version; absent where it failed. */
  snapshot: sha256Schema.optional(),
  digest: sha256Schema.optional(),
  candidate: z.string().optional(),
  /** Which rows decided, and how many they were. */
  judgedOn: z
    .strictObject({
      basis: z.enum(["newest", "holdout"]),
      rows: z.int(),
      metrics: metricSetSchema,
      championMetrics: metricSetSchema.nullable(),
    })
    .optional(),
  gates: z.array(gateResultSchema),
  /** Page of the evaluation, as a run writes it. */
  report: objectRefSchema.optional(),
});
export type ReplayTraining = z.infer<typeof replayTrainingSchema>;

const differenceSchema = z.strictObject({
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

const comparisonSchema = z.strictObject({
  windows: z.int(),
  rows: z.int(),
  loop: z.number().nullable(),
  frozen: z.number().nullable(),
  costLoop: z.number().optional(),
  costFrozen: z.number().optional(),
  /** Loop less first model, with a 95 % interval by resampling assets; absent of forecasts and where it cannot be told. */
  difference: z
    .strictObject({ quality: differenceSchema.optional(), cost: differenceSchema.optional() })
    .optional(),
});

/** What a replay found. Without times of its own: equal inputs give equal bytes. */
export const replayLifeSchema = z.strictObject({
  kind: z.literal("aura.replay-life/1"),
  pipeline: nameSchema,
  model: nameSchema,
  dataset: sha256Schema,
  timeKind: z.enum(["timestamp", "cycle"]),
  /** Resolved. */
  options: z.strictObject({
    begin: z.string(),
    start: z.string(),
    end: z.string(),
    every: z.string(),
    labelDelay: z.string(),
    loop: z.boolean(),
  }),
  metric: z.strictObject({ name: z.string(), direction: z.enum(["higher", "lower"]) }),
  currency: z.string().optional(),
  windows: z.array(replayWindowSchema),
  trainings: z.array(replayTrainingSchema),
  summary: z.strictObject({
    /** All windows together. */
    whole: comparisonSchema,
    /** The windows since the first model was replaced; null: none was. */
    sinceReplaced: comparisonSchema.nullable(),
    text: z.string(),
  }),
  /** What to know when reading it. */
  notes: z.array(z.string()),
});
export type ReplayLife = z.infer<typeof replayLifeSchema>;

/** Reply of `GET /v1/pipelines/{name}/replays/{id}`. */
export const replayViewSchema = z.strictObject({
  id: z.string(),
  workflowId: z.string(),
  status: z.enum(["running", "finished"]),
  /** Of one that runs: what it is at. */
  stage: z.string().optional(),
  result: replayLifeSchema.optional(),
});
export type ReplayView = z.infer<typeof replayViewSchema>;
