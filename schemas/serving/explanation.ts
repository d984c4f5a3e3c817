import { z } from "zod";

/**
 * What explains the answers of a version, one of its files: the trained model as plain data, from which the exact
 * contributions of a row are computed. Its shape is checked by what reads it (`numerics/model.ts`).
 */
export const explanationDocumentSchema = z.strictObject({
  kind: z.literal("aura.explanation/1"),
  model: z.looseObject({ kind: z.string(), nFeatures: z.int().min(1), nOutputs: z.int().min(1) }),
});
export type ExplanationDocument = z.infer<typeof explanationDocumentSchema>;

/** Steps from the raw score to the answer, in their order. */
export const ANSWER_STEPS = [
  "sigmoid",
  "softmax",
  "shares",
  "isotonic_calibration",
  "class_calibration",
  "cap",
  "exponential",
  "conformal_offset",
  "present_value",
  "sorted_quantiles",
] as const;
export type AnswerStep = (typeof ANSWER_STEPS)[number];

/** Why one answer is what it is: `expected` + all contributions = `rawScore`. */
export const answerExplanationSchema = z.strictObject({
  /** Of contributions, expected and raw score: that of the answer, `log_odds`, `probability`, `score`, or `log_score`. */
  unit: z.string(),
  /** What turns the raw score into the answer; empty: it is the answer. */
  before: z.array(z.enum(ANSWER_STEPS)),
  /** Of several classes: the one that is explained, the likeliest. */
  class: z.string().optional(),
  /** Of a forecast: the nearest horizon, whose median is explained. */
  horizon: z.union([z.string(), z.int()]).optional(),
  /** Raw score where nothing is known of a row. */
  expected: z.number(),
  rawScore: z.number(),
  /** The largest, by size. */
  contributions: z.array(
    z.strictObject({
      feature: z.string(),
      /** As the model saw it; null: missing. */
      value: z.union([z.number(), z.string(), z.null()]),
      /** Of the value. */
      unit: z.string().optional(),
      contribution: z.number(),
    }),
  ),
  /** Sum of the contributions that are not listed. */
  others: z.number(),
});
export type AnswerExplanation = z.infer<typeof answerExplanationSchema>;
