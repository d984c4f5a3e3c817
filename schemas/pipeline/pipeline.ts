import { z } from "zod";
import { nameSchema } from "../names.ts";
import { featureDeclarationSchema, regimesSchema } from "./features.ts";
import { labelSchema, taskSchema } from "./label.ts";
import { sourceSchema } from "./source.ts";
import {
  approvalSchema,
  candidateSchema,
  championSchema,
  costsSchema,
  evaluateSchema,
  gateSchema,
  monitoringSchema,
  retrainingSchema,
  splitSchema,
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

/** The whole pipeline file. Everything but `name`, `sources`, `label` and `task` has a default. */
export const pipelineSchema = z.strictObject({
  name: nameSchema.describe("Name of the pipeline."),
  model: nameSchema.optional().describe("Name of the model it trains; default: the pipeline's name."),
  description: z.string().max(2_000).optional(),
  owner: z.string().max(128).default("unassigned").describe("Who answers for the data and the model."),
  retention: z.string().max(32).default("5y").describe("How long datasets are kept, e.g. 90d, 5y."),
  units: z.array(z.string().min(1).max(32)).default([]).describe("Units used here beyond the known list."),
  sources: z.record(nameSchema, sourceSchema),
  label: labelSchema,
  task: taskSchema,
  regimes: regimesSchema.optional(),
  features: z
    .array(featureDeclarationSchema)
    .min(1)
    .max(200)
    .default([{ current: { columns: "*" } }]),
  quality: withDefaults(qualitySchema),
  split: withDefaults(splitSchema),
  evaluate: withDefaults(evaluateSchema),
  candidates: z
    .array(candidateSchema)
    .min(1)
    .max(20)
    .default([
      { kind: "linear", params: {}, seeds: 1 },
      { kind: "gbdt", params: {}, seeds: 1 },
      { kind: "forest", params: {}, seeds: 1 },
    ]),
  metrics: withDefaults(
    z.strictObject({
      primary: z
        .string()
        .max(64)
        .optional()
        .describe("Default: rmse for rul, averagePrecision for two classes, macroF1 for more."),
    }),
  ),
  gates: z.array(gateSchema).max(32).default([]),
  champion: withDefaults(championSchema),
  costs: costsSchema.optional(),
  approval: withDefaults(approvalSchema),
  monitoring: withDefaults(monitoringSchema),
  retraining: withDefaults(retrainingSchema),
  staging: withDefaults(
    z.strictObject({
      maxRows: z
        .int()
        .min(0)
        .default(1_000_000)
        .describe("Accepted rows copied to PostgreSQL; above this they stay in Parquet."),
    }),
  ),
});
/** A checked pipeline with all defaults filled in. */
export type Pipeline = z.infer<typeof pipelineSchema>;

export function modelNameOf(pipeline: Pipeline): string {
  return pipeline.model ?? pipeline.name;
}
