import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";
import { durationSchema, spanSchema } from "./time.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Rows of an events source: column → the value, or list of values, it must have. */
export const whereSchema = z.record(dataIdSchema, z.union([scalar, z.array(scalar).min(1)]));
export type Where = z.infer<typeof whereSchema>;

/** Of remaining life: a number counts hours where time is a timestamp and cycles where it is a cycle. */
const capSchema = z.union([z.number().positive(), durationSchema]);
export type LifeCap = z.infer<typeof capSchema>;

const endSchema = z.strictObject({
  parts: z.array(nameSchema).min(1).optional().describe("Parts this applies to; default: all."),
  at: z
    .union([
      z.literal("last_reading").describe("The asset failed at its last reading (run to failure)."),
      z
        .literal("not_failed")
        .describe("The asset had not failed when it was last seen: it lived at least as long."),
      z.strictObject({
        source: nameSchema.describe("A labels source with the remaining life after the last reading."),
        column: dataIdSchema.describe("Its column with the remaining life."),
        match: z
          .enum(["row_number", "asset"])
          .describe("row_number: the n-th asset in numeric order of its id."),
      }),
    ])
    .describe("Where the true end of each asset's series is known from."),
});

export const labelSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("end_of_life"),
      ends: z.array(endSchema).min(1).describe("How the series end, by part of the data."),
      cap: capSchema
        .optional()
        .describe(
          "RUL is learnt as min(RUL, cap): a duration such as 30d, or a number of hours or cycles; raw values are kept as well.",
        ),
    })
    .describe("Remaining useful life counted back from the end of each asset's series."),
  z
    .strictObject({
      kind: z.literal("events"),
      source: nameSchema.describe("The events source."),
      where: whereSchema.optional().describe("Which of its rows are failures; default: all."),
      cap: capSchema
        .optional()
        .describe("RUL is learnt as min(RUL, cap): a duration such as 30d, or a number of hours or cycles."),
      ignoreAfter: spanSchema
        .optional()
        .describe("Readings within this span after a failure are not used (repair)."),
      replacements: z
        .strictObject({
          source: nameSchema.describe("An events source; it may be that of the failures."),
          where: whereSchema.optional().describe("Which of its rows are replacements; default: all."),
        })
        .optional()
        .describe(
          "Events that end a life without a failure, such as a part changed in time: of readings before one it is known that no failure came until then, and what comes later is another life.",
        ),
      censored: z
        .enum(["use", "drop"])
        .optional()
        .describe(
          "Task rul: readings that no failure followed are learnt from as lives of at least the time that the asset was seen for; drop leaves them out. Default: use.",
        ),
    })
    .describe("Failures are rows of an events source; used by failure_within and rul."),
  z
    .strictObject({
      kind: z.literal("column"),
      column: dataIdSchema.describe("A column of the readings; it is never a feature."),
      positive: scalar.optional().describe("Two classes: the value that means failure."),
    })
    .describe("The label is a column of the readings."),
  z.strictObject({ kind: z.literal("none") }).describe("Nobody knows: of the task anomaly, and its default."),
]);
export type Label = z.infer<typeof labelSchema>;

export const alertBudgetSchema = z
  .strictObject({
    share: z.number().gt(0).max(1).optional().describe("Of the readings."),
    perAssetMonth: z
      .number()
      .gt(0)
      .max(31)
      .optional()
      .describe("Days with an alert, of each asset in a month of days with readings."),
  })
  .refine(
    (budget) => (budget.share === undefined) !== (budget.perAssetMonth === undefined),
    "expected exactly one of `share` and `perAssetMonth`",
  )
  .meta({ oneOf: [{ required: ["share"] }, { required: ["perAssetMonth"] }] });
export type DeclaredAlertBudget = z.infer<typeof alertBudgetSchema>;

export const taskSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("rul") }),
  z.strictObject({
    kind: z.literal("failure_within"),
    horizon: spanSchema.describe("How long before a failure the answer should be yes."),
  }),
  z.strictObject({ kind: z.literal("class") }),
  z.strictObject({
    kind: z.literal("anomaly"),
    healthy: z
      .enum(["all", "labelled"])
      .optional()
      .describe(
        "Rows that detectors learn from: all, or those that the label says are usual; default: labelled where there is a label.",
      ),
    horizon: spanSchema
      .optional()
      .describe("With failures as label: how long before one a reading counts as unusual."),
    alerts: alertBudgetSchema
      .optional()
      .describe(
        "As many alerts as people can look at; the threshold follows from it. Default: chosen by the label, without one a share of 0.01.",
      ),
  }),
  z.strictObject({
    kind: z.literal("forecast"),
    column: dataIdSchema.describe(
      "What is forecast: a numeric column of the readings, or an expression over columns.",
    ),
    horizons: z
      .union([spanSchema, z.array(spanSchema).min(1).max(24)])
      .describe("How far ahead: one span or several, e.g. [1h, 6h, 24h]."),
    quantiles: z
      .array(z.number().min(0.001).max(0.999))
      .min(1)
      .max(19)
      .default([0.1, 0.5, 0.9])
      .describe(
        "Shares of the truths that shall lie below each answer; the one nearest to 0.5 is the median.",
      ),
    statistic: z
      .enum(["value", "mean", "min", "max"])
      .default("value")
      .describe("The value at the horizon, or a statistic of all readings until then."),
    tolerance: spanSchema
      .optional()
      .describe(
        "How far from a horizon the nearest reading may be to count as its truth; default: a tenth of the horizon.",
      ),
    season: spanSchema
      .optional()
      .describe("Naive forecasts repeat the value of one season ago, e.g. 24h; default: the present value."),
    limit: z
      .strictObject({
        above: z.number().optional().describe("A value above this is a crossing."),
        below: z.number().optional().describe("A value below this is a crossing."),
      })
      .refine(
        ({ above, below }) => above !== undefined || below !== undefined,
        "expected `above`, `below` or both",
      )
      .optional()
      .describe("In the unit of the column: fleets are ranked by how likely it is crossed."),
  }),
]);
export type Task = z.infer<typeof taskSchema>;

/** What the trainer sees. `class` with a `positive` value or `failure_within` is binary. */
export type ProblemKind = "regression" | "binary" | "multiclass" | "anomaly" | "forecast";
