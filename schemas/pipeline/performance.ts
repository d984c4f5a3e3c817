import { z } from "zod";
import { durationSchema, periodSchema } from "./time.ts";

/** How realized quality is watched, once labels come. */
export const performanceSchema = z.strictObject({
  every: periodSchema.default("1d").describe("Time between two checks."),
  window: periodSchema
    .default("30d")
    .describe(
      "Predictions of so long a time are judged together; a row of such windows goes back from the check.",
    ),
  lookback: z
    .int()
    .min(1)
    .max(60)
    .default(6)
    .describe("Windows looked at: labels of a prediction may come so late."),
  metric: z
    .string()
    .max(64)
    .optional()
    .describe("What is held against the holdout; default: the primary metric."),
  tolerance: z
    .number()
    .gt(0)
    .max(10)
    .default(0.1)
    .describe("Degraded is what is worse than on the holdout by more than this share of it: 0.1 is 10 %."),
  minLabels: z.int().min(20).default(100).describe("Labelled predictions that a window needs for a verdict."),
  confirmations: z.int().min(1).max(10).default(2).describe("Checks in a row that must say degraded."),
  seen: z
    .enum(["labels", "readings"])
    .default("labels")
    .describe(
      "How it is known that a machine had not failed: by labels of the kind event_free and by what failed later, or by its live readings as well. Readings are for fleets of which every failure is reported, and for timestamps.",
    ),
  delay: durationSchema
    .default("7d")
    .describe(
      "Every failure is reported within this time, so younger readings say nothing: a retrain does not learn from them where failures are events, and with `seen: readings` they are no sign of health.",
    ),
});
export type PerformanceRules = z.infer<typeof performanceSchema>;
