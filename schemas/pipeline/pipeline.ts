import { z } from "zod";
import { nameSchema } from "../names.ts";
import { featureDeclarationSchema, regimesSchema } from "./features.ts";
import { labelSchema, taskSchema } from "./label.ts";
import { maintenanceSchema } from "./maintenance.ts";
import { monitoringSchema } from "./monitoring.ts";
import { onlineSchema } from "./online.ts";
import { performanceSchema } from "./performance.ts";
import { retrainingSchema } from "./retraining.ts";
import { rolloutSchema } from "./rollout.ts";
import { searchSchema } from "./search.ts";
import { sourceSchema } from "./source.ts";
import {
  approvalSchema,
  calibrationChoiceSchema,
  candidateSchema,
  championSchema,
  costsSchema,
  evaluateSchema,
  gateSchema,
  intervalSchema,
  splitSchema,
  trainingSchema,
} from "./training.ts";

const withDefaults = <T extends z.ZodType>(schema: T) => schema.prefault({} as never);

export const qualitySchema = z.strictObject({
  maxBadShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("Share of quarantined rows above which the run fails."),
  maxNullShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Share of missing values per column above which it fails."),
  duplicates: z
    .enum(["quarantine", "fail"])
    .default("quarantine")
    .describe("Rows with the same asset and time."),
  order: z.enum(["sort", "quarantine"]).default("sort").describe("Rows whose time goes back within a file."),
  maxSchemaDrift: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Share of declared columns that may be absent (then missing) before the run fails."),
});

/** The whole pipeline file. Everything but `name`, `sources`, `task` and, except for anomalies, `label` has a default. */
export const pipelineSchema = z.strictObject({
  name: nameSchema.describe("Name of the pipeline."),
  model: nameSchema.optional().describe("Name of the model it trains; default: the pipeline's name."),
  description: z
    .string()
    .max(2_000)
    .optional()
    .describe("What it predicts and for whom; shown with the model."),
  owner: z.string().max(128).default("unassigned").describe("Who answers for the data and the model."),
  retention: z.string().max(32).default("5y").describe("How long datasets are kept, e.g. 90d, 5y."),
  units: z.array(z.string().min(1).max(32)).default([]).describe("Units used here beyond the known list."),
  sources: z
    .record(nameSchema, sourceSchema)
    .describe("Where the rows come from, by name; exactly one has the role readings."),
  label: labelSchema.prefault({ kind: "none" }).describe("What happened."),
  task: taskSchema.describe("What is predicted."),
  regimes: regimesSchema.optional(),
  features: z
    .array(featureDeclarationSchema)
    .min(1)
    .max(200)
    .default([{ current: { columns: "*" } }])
    .describe(
      "What the model sees: a list of operators, each an object with one key. Default of the task forecast: the present readings, and lags, rolling statistics and time of day for its column.",
    ),
  quality: withDefaults(qualitySchema).describe("When the data is too bad to train on."),
  split: withDefaults(splitSchema).describe("What is held out, and the folds over the rest."),
  evaluate: withDefaults(evaluateSchema).describe(
    "Which rows count, and which groups get metrics of their own.",
  ),
  candidates: z
    .array(candidateSchema)
    .min(1)
    .max(20)
    .default([
      { kind: "linear", params: {}, seeds: 1 },
      { kind: "gbdt", params: {}, seeds: 1 },
      { kind: "forest", params: {}, seeds: 1 },
    ])
    .describe(
      "Models that are tried; the best by the primary metric is registered. Default of the task anomaly: pca_monitor.",
    ),
  calibration: calibrationChoiceSchema,
  interval: withDefaults(intervalSchema).describe("The interval around an answer of the task rul."),
  search: searchSchema
    .optional()
    .describe("How candidates with a `search` are searched; each setting has a default."),
  metrics: withDefaults(
    z.strictObject({
      primary: z
        .string()
        .max(64)
        .optional()
        .describe(
          "Default: rmse for rul, or lifeLoss where assets may not have failed; averagePrecision for two classes and labelled anomalies, macroF1 for more, pinball for forecast; anomalies without a label: the first candidate is taken.",
        ),
    }),
  ).describe("How candidates are compared."),
  gates: z
    .array(gateSchema)
    .max(32)
    .default([])
    .describe(
      "Conditions; a model that fails one is not offered for approval. Default of the task forecast: mase at most 1.",
    ),
  champion: withDefaults(championSchema).describe("When a new model is better than the one in production."),
  costs: costsSchema.optional().describe("What mistakes cost, for the threshold table."),
  training: withDefaults(trainingSchema).describe("How much of a large dataset is held in memory."),
  approval: withDefaults(approvalSchema).describe("Who decides before a model is used, and until when."),
  rollout: rolloutSchema
    .optional()
    .describe(
      "How an approved model takes over: shadow, then growing shares of the requests. Absent: at once. The first champion comes at once in any case.",
    ),
  monitoring: withDefaults(monitoringSchema).describe("The drift check on logged predictions."),
  retraining: withDefaults(retrainingSchema).describe("When a model is trained anew by itself."),
  performance: withDefaults(performanceSchema).describe(
    "How the model is held against what turns out to be true.",
  ),
  online: onlineSchema
    .optional()
    .describe(
      "Features of live readings: how long they are good, and what makes them unfit. Each setting has a default.",
    ),
  maintenance: maintenanceSchema
    .optional()
    .describe("What comes of a predicted failure: who decides, the work order, and what it costs to wait."),
  staging: withDefaults(
    z.strictObject({
      maxRows: z
        .int()
        .min(0)
        .default(1_000_000)
        .describe("Accepted rows copied to PostgreSQL; above this they stay in Parquet."),
    }),
  ).describe("What of the data is copied to PostgreSQL."),
});
/** A checked pipeline with all defaults filled in. */
export type Pipeline = z.infer<typeof pipelineSchema>;

/** Kind of time of the readings. */
export function timeKindOf({ sources }: Pick<Pipeline, "sources">): "cycle" | "timestamp" | "none" {
  return Object.values(sources).find(({ role }) => role === "readings")?.time?.kind ?? "none";
}

/** The column of the readings that weighs the rows; undefined where none does. */
export function weightColumnOf({ training }: Pick<Pipeline, "training">): string | undefined {
  return typeof training.weight === "object" ? training.weight.column : undefined;
}

export function modelNameOf(pipeline: Pipeline): string {
  return pipeline.model ?? pipeline.name;
}
