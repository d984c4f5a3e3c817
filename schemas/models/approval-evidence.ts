import { z } from "zod";
import { censoredSchema } from "../runs/censored.ts";
import { sourceCountsSchema } from "../data/dataset.ts";
import { envelopeFindingSchema } from "./envelope-finding.ts";
import { calibrationSchema, gateResultSchema, metricSetSchema, sliceSchema } from "./model-version.ts";
import { nameSchema, sha256Schema } from "../names.ts";
import { operatingPointSchema } from "./operating-point.ts";

/** Rows of one source that went in, and those that were refused. */
export const dataCountsSchema = sourceCountsSchema.extend({
  source: nameSchema,
  role: z.string(),
  assets: z.int(),
});

/**
 * What an approver of a promotion looks at, stored with the approval: metrics with intervals beside baseline and champion,
 * gates, the operating point with its cost, the worst slices, what the data were. Bounded; holds no times.
 */
export const approvalEvidenceSchema = z.strictObject({
  model: nameSchema,
  version: z.int(),
  digest: sha256Schema,
  dataset: sha256Schema,
  candidate: z.string(),
  labelConvention: z.string(),
  primaryMetric: z.string(),
  metrics: z.strictObject({ test: metricSetSchema, cv: metricSetSchema }),
  /** 95 %, of `metrics.test`, by asset. */
  intervals: z.record(z.string(), z.tuple([z.number(), z.number()])),
  rows: z.strictObject({ train: z.int(), test: z.int(), cv: z.int() }),
  /** rul: rows of assets that had not failed; absent where there are none. */
  censored: censoredSchema.optional(),
  /** Of the constant model on the holdout; null where it was not scored there. */
  baseline: metricSetSchema.nullable(),
  champion: z
    .strictObject({
      version: z.int(),
      digest: sha256Schema,
      /** Identity of the rows it was scored on. */
      rows: z.string(),
      metrics: metricSetSchema,
    })
    .nullable(),
  gates: z.array(gateResultSchema),
  /** Two classes only. */
  operatingPoint: operatingPointSchema.nullable(),
  /** What every threshold would have done. */
  thresholds: z.array(z.record(z.string(), z.number())),
  calibration: calibrationSchema.nullable(),
  /** By the primary metric (`sliceMetricOf`), worst first, of how many that have one. */
  worstSlices: z.strictObject({ shown: z.array(sliceSchema), of: z.int() }),
  data: z.array(dataCountsSchema),
  /** Of a version that a retrain made, where the pipeline file has a change envelope that people approved. */
  envelope: envelopeFindingSchema.optional(),
});
export type ApprovalEvidence = z.infer<typeof approvalEvidenceSchema>;
