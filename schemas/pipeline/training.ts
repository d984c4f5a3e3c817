import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";
import { searchSpaceSchema } from "./search.ts";
import { durationSchema, spanSchema } from "./time.ts";

export const holdoutSchema = z.discriminatedUnion("by", [
  z.strictObject({
    by: z.literal("asset"),
    share: z.number().gt(0).lt(1).default(0.2).describe("Share of the assets."),
  }),
  z.strictObject({
    by: z.literal("parts"),
    parts: z.array(nameSchema).min(1).describe("Parts of the data that are held out."),
  }),
  z.strictObject({
    by: z.literal("time"),
    share: z.number().gt(0).lt(1).default(0.2).describe("The last share of the time span."),
    gap: spanSchema.optional().describe("Rows within this span before the holdout are dropped."),
  }),
  z.strictObject({
    by: z.literal("row"),
    share: z.number().gt(0).lt(1).default(0.2).describe("Share of the rows."),
  }),
]);
export type Holdout = z.infer<typeof holdoutSchema>;

export const splitSchema = z.strictObject({
  holdout: holdoutSchema
    .optional()
    .describe("Default: by asset where there is one, else by row; of the task forecast by time."),
  folds: z
    .int()
    .min(2)
    .max(20)
    .default(5)
    .describe(
      "Cross-validation folds over what is not held out, grouped by asset; of a forecast held out by time blocks of time, each judged by what came before.",
    ),
  by: z
    .enum(["auto", "group", "time"])
    .default("auto")
    .describe(
      "How folds are cut. group: whole assets, or rows where there are none; time: blocks of time, each judged by what was learnt before it; auto: time for forecasts and for a series without assets that holds out its latest readings, else group.",
    ),
  repeats: z.int().min(1).max(10).default(1).describe("Fold assignments (seeds) averaged in metrics.cv."),
  stratify: z.boolean().default(true).describe("Class tasks: keep class shares equal over folds."),
  seed: z.int().min(0).default(7).describe("Of everything random in the split."),
});
export type Split = z.infer<typeof splitSchema>;

/**
 * Whether the folds are blocks of time, which needs a holdout that comes after all of them. A remaining life without a cap
 * is known when it ends, however late: of it no block would be known before the next.
 */
export function foldsInTime(
  {
    split,
    task,
    label,
  }: {
    readonly split: Split;
    readonly task: { readonly kind: string };
    readonly label: object;
  },
  hasAsset: boolean,
): boolean {
  if (split.holdout?.by !== "time") return false;
  if (split.by !== "auto") return split.by === "time";
  const isBounded = task.kind !== "rul" || ("cap" in label && label.cap !== undefined);
  return task.kind === "forecast" || (!hasAsset && isBounded);
}

export const evaluateSchema = z.strictObject({
  rows: z.enum(["all", "last_per_asset"]).default("all").describe("Holdout rows that count."),
  cvRows: z
    .enum(["all", "cut_points"])
    .default("all")
    .describe(
      "cut_points: random rows of each validation asset, so that folds resemble series cut before failure.",
    ),
  slices: z
    .array(z.string().min(1).max(200))
    .max(16)
    .default([])
    .describe(
      "Text, integer or boolean columns of the readings, attributes, or `regime`: each of their values gets metrics of its own.",
    ),
});

/** Names separated by blanks, in which `*` stands for any text and `?` for one character. */
const featurePatterns = z.string().min(1).max(2_000);

/** Rows of a class weigh by this; 1 where the class is not named. */
const classFactors = z
  .record(z.string().min(1).max(1_000), z.number().gt(0).max(1_000_000))
  .refine((factors) => Object.keys(factors).length > 0, "expected a factor for at least one class");

const paramValue = z.union([z.number(), z.string(), z.boolean()]);
export const candidateSchema = z.strictObject({
  kind: z
    .enum(["gbdt", "forest", "linear", "blend", "pca_monitor", "isolation_forest", "external"])
    .describe(
      "The trainer; blend is the mean of other candidates. pca_monitor and isolation_forest are for the task anomaly; external is a worker of your own on `taskQueue`.",
    ),
  name: nameSchema.optional().describe("Told apart by it when a kind stands twice; default: the kind."),
  params: z.record(z.string(), paramValue).default({}).describe("Settings of the trainer."),
  classWeight: z
    .union([z.literal("balanced"), z.number().positive(), classFactors])
    .optional()
    .describe(
      "balanced: all classes weigh alike; a number: of two classes, the weight of the positive one; factors by class (`{ jam: 5, leak: 2 }`): of several classes, how much rows of each weigh, 1 where a class is not named.",
    ),
  seeds: z.int().min(1).max(10).default(1).describe("Models of this many seeds are averaged in one graph."),
  alone: z
    .boolean()
    .optional()
    .describe("false: only a member of blends, never chosen by itself; default: true."),
  taskQueue: z
    .string()
    .regex(/^(?!aura-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "expected a task queue that is none of AURA's own")
    .optional()
    .describe("Of an external trainer: the Temporal task queue that its worker serves."),
  of: z
    .array(nameSchema)
    .min(2)
    .max(19)
    .optional()
    .describe("Of a blend: the candidates it is the mean of, by name; default: all others."),
  features: featurePatterns
    .optional()
    .describe(
      "The features it sees, by name, separated by blanks: `*` for any text, `?` for one character. Default: all.",
    ),
  monotone: z
    .strictObject({
      increasing: featurePatterns.optional().describe("The answer never falls as these rise."),
      decreasing: featurePatterns.optional().describe("The answer never rises as these rise."),
    })
    .optional()
    .describe("Of gbdt: features along which the answer moves one way alone, by name as in `features`."),
  interactions: z
    .array(featurePatterns)
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Of gbdt: groups of features, by name as in `features`, that may meet on one path of a tree; a feature in no group stands alone.",
    ),
  search: searchSpaceSchema
    .optional()
    .describe(
      "Parameters that are searched, each with what it may be, and `features` as a choice; what stands under `params` is fixed.",
    ),
});
export type Candidate = z.infer<typeof candidateSchema>;

/** Kinds that learn without a target. */
export const DETECTOR_KINDS: readonly Candidate["kind"][] = ["pca_monitor", "isolation_forest"];

export const calibrationChoiceSchema = z
  .enum(["auto", "none", "isotonic", "platt", "temperature"])
  .default("auto")
  .describe(
    "How probabilities of classes are corrected, fitted on out-of-fold predictions; temperature is for more than two; auto: the simplest that is best on held-out groups.",
  );

export const intervalSchema = z.strictObject({
  level: z
    .number()
    .min(0.5)
    .max(0.99)
    .default(0.9)
    .describe("Share of true values inside the interval around a remaining life."),
});

export const gateSchema = z
  .strictObject({
    metric: z.string().max(64).describe("Name of a metric of the task."),
    on: z.enum(["test", "cv"]).default("test").describe("test: the holdout; cv: the folds."),
    max: z.number().optional().describe("It must be at most this."),
    min: z.number().optional().describe("It must be at least this."),
  })
  .refine((g) => (g.max === undefined) !== (g.min === undefined), "expected exactly one of `min` and `max`")
  .meta({ oneOf: [{ required: ["max"] }, { required: ["min"] }] });
export type Gate = z.infer<typeof gateSchema>;

export const championSchema = z.strictObject({
  margin: z
    .number()
    .default(0)
    .describe(
      "The primary metric must be better by more than this (absolute). Negative: it may be worse by at most so much, for models that are renewed because the data is.",
    ),
  guards: z
    .array(
      z.strictObject({
        metric: z.string().max(64).describe("Name of a metric of the task."),
        maxWorse: z.number().min(0).describe("In the unit of the metric."),
      }),
    )
    .default([])
    .describe("Metrics that may be worse than the champion's by at most this much."),
});

export const costsSchema = z.strictObject({
  missedFailure: z
    .number()
    .nonnegative()
    .describe(
      "Cost of each row within the horizon of a failure that is not alerted; rows are counted, not failures.",
    ),
  falseAlarm: z.number().nonnegative().describe("Cost of an alarm that no failure followed."),
  currency: z.string().max(8).default("EUR").describe("Printed beside the costs."),
});

export const approvalSchema = z.strictObject({
  approvers: z.array(z.string().min(1).max(128)).default([]).describe("Who may decide; empty: any approver."),
  quorum: z.int().min(1).max(10).default(1).describe("How many must approve; the first reject ends it."),
  deadline: durationSchema.default("7d").describe("How long people have to decide."),
  onDeadline: z.enum(["expire", "reject", "escalate"]).default("expire").describe("What happens then."),
  escalateTo: z.array(z.string().min(1).max(128)).default([]).describe("Who may decide after escalation."),
  reminder: durationSchema.default("1d").describe("A reminder is recorded this often."),
  allowDirectSignals: z
    .boolean()
    .default(false)
    .describe(
      "With keys on: whether signals sent straight to Temporal decide (recorded as unauthenticated).",
    ),
});

/** As an approval carries it: the policy of a change envelope may approve by itself what nobody objects to. */
export const approvalPolicySchema = approvalSchema.extend({
  onDeadline: z.enum(["expire", "reject", "escalate", "approve"]).default("expire"),
});
export type ApprovalPolicy = z.infer<typeof approvalPolicySchema>;

export const trainingSchema = z.strictObject({
  weight: z
    .union([
      z.literal("perAsset"),
      z.strictObject({ column: dataIdSchema.describe("A numeric column of the readings, 0 or more.") }),
    ])
    .optional()
    .describe(
      "How much a row counts in learning: as a column says, which is no feature then, or perAsset: all assets alike, however many rows they have. Default: all rows alike.",
    ),
  maxRows: z
    .int()
    .min(1_000)
    .max(100_000_000)
    .default(1_000_000)
    .describe(
      "Rows learnt from and judged on; of more rows an even sample of about this many, with every asset's last reading.",
    ),
});
