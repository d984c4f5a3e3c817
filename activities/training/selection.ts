import { z } from "zod";
import { errorModelSchema } from "../../schemas/models/error-model.ts";
import {
  alertCurvePointSchema,
  calibrationTrialSchema,
  intervalTrialSchema,
  metricSetSchema,
} from "../../schemas/models/model-version.ts";

const numbers = z.array(z.number()).readonly();
const calibratorSchema = z.discriminatedUnion("method", [
  z.strictObject({ method: z.literal("none") }),
  z.strictObject({
    method: z.literal("platt"),
    scale: z.enum(["log_odds", "probability"]),
    slope: z.number(),
    intercept: z.number(),
  }),
  z.strictObject({ method: z.literal("isotonic"), knots: numbers, values: numbers }),
]);
const classCalibratorSchema = z.strictObject({
  method: z.enum(["none", "temperature", "platt", "isotonic"]),
  calibration: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("lines"), slopes: numbers, intercepts: numbers }),
      z.strictObject({
        kind: z.literal("curves"),
        curves: z.array(z.strictObject({ knots: numbers, values: numbers })).readonly(),
      }),
    ])
    .nullable(),
});
const intervalRuleSchema = z.strictObject({
  level: z.number(),
  method: z.enum(["absolute", "normalised", "skewed"]),
  knots: numbers,
  below: numbers,
  above: numbers,
});

/** What cross-validation decided; stored between selection, final training and evaluation. */
export const selectionSchema = z.strictObject({
  kind: z.literal("aura.selection/2"),
  chosen: z.string(),
  primaryMetric: z.string(),
  candidates: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      cv: metricSetSchema,
      threshold: z.number().nullable(),
      iterations: z.number().nullable(),
      /** Of a boosted forecast: rounds of each horizon and quantile. */
      rounds: numbers.optional(),
      /** Of a blend: its members and their shares, which sum to 1. */
      members: z.array(z.strictObject({ name: z.string(), weight: z.number() })).optional(),
      calibration: z
        .strictObject({
          /** Of two classes, or of more. */
          calibrator: z.union([calibratorSchema, classCalibratorSchema]),
          trials: z.array(calibrationTrialSchema).readonly(),
        })
        .nullable(),
      interval: z
        .strictObject({ rule: intervalRuleSchema, trials: z.array(intervalTrialSchema).readonly() })
        .nullable(),
      /** Of forecasts: how far each output is moved. */
      offsets: numbers.nullable(),
    }),
  ),
  cvRows: z.int(),
  /** What thresholds of the chosen one would have done out of fold; where a threshold decides. */
  alertCurve: z.array(alertCurvePointSchema).optional(),
  /** Regression: how far off the chosen one was out of fold. */
  errors: errorModelSchema.optional(),
});
export type Selection = z.infer<typeof selectionSchema>;
