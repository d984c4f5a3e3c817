import { z } from "zod";
import { periodSchema } from "./time.ts";

/** The drift check on what a champion is asked and answers. */
export const monitoringSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe("false: no schedule checks by itself; `aura drift check` still does."),
  every: periodSchema.default("1h").describe("Time between two checks."),
  window: periodSchema.default("24h").describe("Predictions looked at per check."),
  reference: periodSchema
    .optional()
    .describe(
      "The newest part of the training data, such as 4w, that drift is measured against, where time is a timestamp. It is frozen with a version, so that a change counts from the next one. Default: all of it.",
    ),
  minRows: z.int().min(50).default(500).describe("With fewer predictions the check says insufficient data."),
  psi: z
    .number()
    .positive()
    .default(0.2)
    .describe("Effect: PSI above its null mean by more than this is drift."),
  ks: z.number().positive().default(0.1).describe("Effect: KS distance above this is drift."),
  range: z
    .number()
    .gt(0)
    .max(1)
    .default(0.02)
    .describe("Effect: this share of the values outside the range at training, beyond chance, is drift."),
  categories: z
    .number()
    .gt(0)
    .max(1)
    .default(0.02)
    .describe("Effect: this share of rows of categories never seen at training, beyond chance, is drift."),
  reconstruction: z
    .number()
    .positive()
    .default(0.25)
    .describe(
      "Effect: a mean error of all numeric inputs together that moved by this many deviations is drift.",
    ),
  significance: z.number().gt(0).lt(1).default(0.01).describe("Benjamini–Hochberg q below this."),
  confirmations: z
    .int()
    .min(1)
    .max(10)
    .default(2)
    .describe("Checks in a row that must say drift, each of rows that those before it have not seen."),
});
export type Monitoring = z.infer<typeof monitoringSchema>;
