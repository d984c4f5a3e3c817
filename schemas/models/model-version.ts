import { z } from "zod";
import { censoredSchema } from "../runs/censored.ts";
import { nameSchema, sha256Schema } from "../names.ts";
import { objectRefSchema } from "../object-ref.ts";

/** Files of a version. Every one is hashed into the digest; none holds a time. Versions made elsewhere have no `explanation`. */
export const VERSION_FILES = {
  onnx: "model.onnx",
  view: "view.json",
  fitted: "fitted.json",
  signature: "signature.json",
  thresholds: "thresholds.json",
  reference: "reference.json",
  card: "card.json",
  golden: "golden.json",
  explanation: "explanation.json",
} as const;
export type VersionFileRole = keyof typeof VERSION_FILES;

/**
 * Interval around an answer: `[answer − below, answer + above]`, cut to `min` … `max`, where both distances are linear
 * between knots of the answer and constant beyond them.
 */
export const servedIntervalSchema = z
  .strictObject({
    level: z.number().gt(0).lt(1),
    method: z.enum(["absolute", "normalised", "skewed"]),
    knots: z.array(z.number()).min(1),
    below: z.array(z.number().min(0)),
    above: z.array(z.number().min(0)),
    min: z.number(),
    max: z.number(),
  })
  .refine(
    ({ knots, below, above }) =>
      below.length === knots.length &&
      above.length === knots.length &&
      knots.every((knot, k) => k === 0 || knot > (knots[k - 1] as number)),
    "expected ascending knots with one distance each",
  );
export type ServedInterval = z.infer<typeof servedIntervalSchema>;

/** Quantiles of a column at several times ahead: horizon after horizon, ascending levels within each. */
export const servedForecastSchema = z.strictObject({
  column: z.string(),
  statistic: z.enum(["value", "mean", "min", "max"]),
  horizons: z
    .array(
      z.strictObject({
        /** As declared, e.g. `6h`, or a number of cycles. */
        horizon: z.union([z.string(), z.int()]),
        /** In units of the stored time: microseconds or cycles. */
        span: z.number().positive(),
      }),
    )
    .min(1),
  quantiles: z.array(z.number().gt(0).lt(1)).min(1),
  timeKind: z.enum(["timestamp", "cycle"]),
  /** Input that the forecast begins at: the value now. */
  anchor: z.string(),
  limit: z.strictObject({ above: z.number().optional(), below: z.number().optional() }).optional(),
});
export type ServedForecast = z.infer<typeof servedForecastSchema>;

/** What goes in and out of the served graph. Input is one double tensor `features` [N, n] in this order. */
export const signatureSchema = z.strictObject({
  kind: z.literal("aura.signature/1"),
  problem: z.enum(["regression", "binary", "multiclass", "anomaly", "forecast"]),
  task: z.enum(["rul", "failure_within", "class", "anomaly", "forecast"]),
  inputs: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(["number", "category"]),
      unit: z.string().optional(),
      nullable: z.boolean(),
      /** Category inputs: allowed values in code order. */
      values: z.array(z.string()).optional(),
    }),
  ),
  output: z.strictObject({
    name: z.string(),
    unit: z.string().optional(),
    classLabels: z.array(z.string()).optional(),
    /** multiclass: index of the class that most training rows have; absent in what was trained before it was counted. */
    commonClass: z.int().optional(),
    /** binary: decision threshold on the probability; anomaly: on the score. */
    threshold: z.number().optional(),
    cap: z.number().optional(),
    /** regression: absent where too few rows were held out to say how far answers are off. */
    interval: servedIntervalSchema.optional(),
    /** Classes: how the graph's probabilities were calibrated; absent: not at all. */
    calibration: z.enum(["temperature", "platt", "isotonic"]).optional(),
    /** forecast: what the columns of the output are. */
    forecast: servedForecastSchema.optional(),
  }),
});
export type Signature = z.infer<typeof signatureSchema>;

export const versionManifestSchema = z.strictObject({
  kind: z.literal("aura.model/1"),
  model: nameSchema,
  files: z.record(z.string(), objectRefSchema),
});
/** Its `hashOf({kind, model, files: role → sha256})` is the version digest that approvals and traces name. */
export type VersionManifest = z.infer<typeof versionManifestSchema>;

/** Metric key → value; `ci` gives [low, high] of the 95 % bootstrap by asset. */
export const metricSetSchema = z.record(z.string(), z.number());
export type MetricSet = z.infer<typeof metricSetSchema>;

/** What one threshold would have done on out-of-fold rows. */
export const alertCurvePointSchema = z.strictObject({
  threshold: z.number(),
  /** Rows that would have alerted, as a share and as a number. */
  alertShare: z.number(),
  alertRows: z.int(),
  /** Days with an alert of each asset in a month of days with readings; where rows have a calendar. */
  alertsPerAssetMonth: z.number().optional(),
  /** Where a label knows. */
  precision: z.number().optional(),
  recall: z.number().optional(),
  f1: z.number().optional(),
});
export type AlertCurvePoint = z.infer<typeof alertCurvePointSchema>;

/** The file `thresholds.json` of a version, as far as another threshold can be chosen from it. */
export const thresholdsFileSchema = z.looseObject({
  kind: z.literal("aura.thresholds/1"),
  /** What training chose; null: the version decides nothing. */
  threshold: z.number().nullable(),
  /** Absent in versions that were trained before it was kept. */
  curve: z.array(alertCurvePointSchema).optional(),
});

/** Rows below which a slice is listed without metrics: they would say more of chance than of the model. */
export const MIN_SLICE_ROWS = 10;

/** Metrics of the holdout rows that share a value. */
export const sliceSchema = z.strictObject({
  column: z.string(),
  /** Text of the value, shortened and without control characters: it comes from the data. */
  value: z.string(),
  /** Not a value: all rarer values together, or rows without one. */
  bucket: z.enum(["other", "missing"]).optional(),
  rows: z.int(),
  /** Assets the rows belong to; without assets the rows. Absent in what was evaluated before it was counted. */
  assets: z.int().optional(),
  /** Empty below `MIN_SLICE_ROWS`. */
  metrics: metricSetSchema,
});
export type Slice = z.infer<typeof sliceSchema>;

/** What a wrong decision costs, as the pipeline declared it. */
export const declaredCostsSchema = z.strictObject({
  missedFailure: z.number(),
  falseAlarm: z.number(),
  currency: z.string(),
});

/** A method of calibration on folds it was not fitted on. */
export const calibrationTrialSchema = z.strictObject({
  method: z.enum(["none", "temperature", "platt", "isotonic"]),
  logLoss: z.number(),
  brier: z.number(),
});

/** A method of intervals on folds it was not fitted on. */
export const intervalTrialSchema = z.strictObject({
  method: z.enum(["absolute", "normalised", "skewed"]),
  coverage: z.number(),
  meanWidth: z.number(),
});

export const calibrationSchema = z.strictObject({
  /** The chosen method first, then the others that were tried, on cross-validation. */
  trials: z.array(calibrationTrialSchema).optional(),
  /** Σ share of the bin · |mean predicted − observed rate|, 0…1. */
  expectedError: z.number(),
  /** Bins with rows only, ascending. */
  bins: z.array(
    z.strictObject({
      low: z.number(),
      high: z.number(),
      nRows: z.int(),
      meanPredicted: z.number(),
      observedRate: z.number(),
    }),
  ),
});

/** Rows that are positive, and the distinct assets they belong to. */
const failedSchema = z.strictObject({ rows: z.int(), assets: z.int() });

/** binary: how many failures there were. Rows are those within the horizon of a failure, or of the positive class. */
export const failuresSchema = z.strictObject({
  train: failedSchema,
  /** `missedAssets`: no positive row of them alerts. */
  test: failedSchema.extend({ missedAssets: z.int().optional() }),
});

const importanceRowSchema = z.strictObject({ name: z.string(), rise: z.number(), deviation: z.number() });

/** What a model leans on as a whole. */
export const globalExplanationSchema = z.strictObject({
  /** What rises when values are dealt to other assets. */
  /** `scoreShift`: of anomalies, the mean move of ln(1 + score). */
  /** `mae`: of forecasts, of the median at the nearest horizon. */
  loss: z.enum(["rmse", "logLoss", "scoreShift", "mae"]),
  /** Of single features, largest rise first. */
  features: z.array(importanceRowSchema),
  /** Of all features made of one column of the readings together. */
  columns: z.array(importanceRowSchema),
  /** Mean answer where a feature is set to each value; of several classes one answer per class, value by value. */
  dependence: z.array(
    z.strictObject({ feature: z.string(), values: z.array(z.number()), answers: z.array(z.number()) }),
  ),
});

/** Where a graph came from that was not trained here. */
export const modelOriginSchema = z.strictObject({
  kind: z.enum(["imported", "external"]),
  /** SHA-256 of the file as it was given, before it was brought into the served form. */
  file: sha256Schema,
  /** Task queue of the trainer that made it. */
  trainer: z.string().optional(),
});
export type ModelOrigin = z.infer<typeof modelOriginSchema>;

/** What evaluation found, stored with the version and shown to the approver. Plain data, no times. */
export const evaluationSchema = z.strictObject({
  kind: z.literal("aura.evaluation/1"),
  dataset: sha256Schema,
  holdout: sha256Schema,
  labelConvention: z.string(),
  primaryMetric: z.string(),
  candidate: z.string(),
  /** Absent: trained here. */
  origin: modelOriginSchema.optional(),
  metrics: z.strictObject({ test: metricSetSchema, cv: metricSetSchema }),
  intervals: z.record(z.string(), z.tuple([z.number(), z.number()])),
  candidates: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      cv: metricSetSchema,
      test: metricSetSchema.optional(),
    }),
  ),
  slices: z.array(sliceSchema),
  /** binary: what each threshold would have done on the holdout, the chosen one among them. */
  thresholds: z.array(z.record(z.string(), z.number())),
  /** binary: the probability from which the version alerts, chosen out of fold. */
  threshold: z.number().optional(),
  costs: declaredCostsSchema.optional(),
  /** Absent in what was evaluated before they were counted. */
  failures: failuresSchema.optional(),
  /**
   * Two classes: predicted probabilities beside what happened, on the holdout. More: the probability of the most
   * probable class beside how often it was right.
   */
  calibration: calibrationSchema.optional(),
  /** rul: level of the intervals, and the methods on cross-validation, the chosen one first. */
  interval: z.strictObject({ level: z.number(), trials: z.array(intervalTrialSchema) }).optional(),
  /** forecast: share of holdout truths below each quantile at each horizon. */
  quantiles: z
    .array(z.strictObject({ horizon: z.string(), level: z.number(), observed: z.number(), rows: z.int() }))
    .optional(),
  /** Absent in what was evaluated before it was computed. */
  explanation: globalExplanationSchema.optional(),
  importance: z.array(z.strictObject({ feature: z.string(), gain: z.number() })),
  rows: z.strictObject({ train: z.int(), test: z.int(), cv: z.int() }),
  /** rul: rows of assets that had not failed; absent where there are none. */
  censored: censoredSchema.optional(),
  checks: z.array(z.strictObject({ name: z.string(), passed: z.boolean(), detail: z.string() })),
});
export type Evaluation = z.infer<typeof evaluationSchema>;

export const gateResultSchema = z.strictObject({
  name: z.string(),
  passed: z.boolean(),
  /** Words for people, e.g. `rmse on test 11.2 ≤ 20`. */
  detail: z.string(),
});
export type GateResult = z.infer<typeof gateResultSchema>;
