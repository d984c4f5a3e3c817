import { z } from "zod";

/** What a check of realized and estimated quality found: recorded by a worker, read by API and command line. */

export const PERFORMANCE_STATES = ["ok", "degraded", "insufficient_labels", "not_available"] as const;
export const performanceStateSchema = z.enum(PERFORMANCE_STATES);
export type PerformanceState = z.infer<typeof performanceStateSchema>;

const metricsSchema = z.record(z.string(), z.number());
const intervalsSchema = z
  .record(z.string(), z.tuple([z.number(), z.number()]).readonly())
  .describe("95 %, by asset.");

/** Before labels. */
const estimateSchema = z.object({
  state: z.enum(["available", "not_available"]),
  method: z.enum(["cbpe", "error_model"]).nullable(),
  /** Why there is none. */
  reason: z.string().nullable(),
  n: z.int(),
  metrics: metricsSchema,
  intervals: intervalsSchema,
});
export type PerformanceEstimate = z.infer<typeof estimateSchema>;

/** Realized quality of one version's predictions in a window, by when they were made: since ≤ at < until. */
export const realizedSchema = z.object({
  predictions: z.int().describe("All of the window."),
  looked: z
    .int()
    .describe("Of many predictions an even sample is looked at; `learntRows` are not among them."),
  learntRows: z
    .int()
    .default(0)
    .describe(
      "Predictions about rows that the version learnt from, of those looked at: they are not judged.",
    ),
  labelled: z.int(),
  censored: z.int().describe("Remaining lives of which only a lower bound is known."),
  assets: z.int().describe("Assets that the labelled ones are of; without assets predictions."),
  evidence: z.int().describe("Of two classes the assets with a row of the rarer one; else as `assets`."),
  metrics: metricsSchema,
  intervals: intervalsSchema,
});
export type Realized = z.infer<typeof realizedSchema>;

const periodSchema = realizedSchema.extend({
  version: z.int(),
  digest: z.string(),
  since: z.string(),
  until: z.string(),
  estimated: metricsSchema.describe("Without labels, where it can be told."),
});
export type PerformancePeriod = z.infer<typeof periodSchema>;

export const performanceReportSchema = z.object({
  kind: z.literal("aura.performance/1"),
  state: performanceStateSchema,
  reason: z.string(),
  metric: z.string(),
  direction: z.enum(["higher", "lower"]),
  tolerance: z.number(),
  minLabels: z.int(),
  /** On the version's holdout. */
  baseline: z
    .object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable(), n: z.int() })
    .nullable(),
  limit: z.number().nullable(),
  /** The window that was judged: the newest one with enough labels. */
  judged: z.object({ since: z.string(), until: z.string() }).nullable(),
  confirmation: z.object({ stage: z.enum(["none", "suspected", "confirmed"]), checks: z.int() }),
  /** Of the newest window. */
  estimate: estimateSchema,
  /** Newest first; of the present version and of those that were champion then. */
  periods: z.array(periodSchema).readonly(),
});
export type PerformanceReport = z.infer<typeof performanceReportSchema>;
