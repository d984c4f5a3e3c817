import { z } from "zod";
import { spanSchema } from "../live/source.ts";
import { dataIdSchema, nameSchema } from "../names.ts";

export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

const textSchema = z.string().min(1).max(200);

/** Words by which channels and people tell alerts apart. */
export const labelsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, "expected a name such as team or line"), textSchema)
  .refine((labels) => Object.keys(labels).length <= 16, { message: "expected at most 16 labels" });

const columnName = dataIdSchema.describe("A column of the source.");

const thresholdSchema = z
  .strictObject({
    kind: z.literal("threshold"),
    column: columnName.optional(),
    prediction: z
      .strictObject({ model: nameSchema.describe("The model whose champion scores the assets.") })
      .optional()
      .describe("Instead of a column: the one number of a prediction (probability, remaining life, score)."),
    above: z.number().optional().describe("Fires above it."),
    below: z.number().optional().describe("Fires below it."),
    clear: z
      .number()
      .optional()
      .describe(
        "Clears only at or beyond this, so that a value which trembles about the limit fires once; default: the limit.",
      ),
    for: spanSchema.optional().describe("How long it must hold, by the times of the readings."),
    gap: spanSchema
      .optional()
      .describe("Readings further apart say nothing of the time between; default: as `for`, or 5m."),
    repeat: z
      .strictObject({ hits: z.int().min(1).max(30), of: z.int().min(1).max(30) })
      .refine(({ hits, of }) => hits <= of, { message: "expected hits of at most `of`" })
      .optional()
      .describe("So many of the last readings must be beyond it; clears when none of them is."),
  })
  .superRefine(({ column, prediction, above, below, clear }, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    if ((column === undefined) === (prediction === undefined))
      refuse("column", "expected either column or prediction");
    if ((above === undefined) === (below === undefined)) refuse("above", "expected either above or below");
    if (clear === undefined) return;
    if (above !== undefined && clear > above) refuse("clear", `expected at most ${above}`);
    if (below !== undefined && clear < below) refuse("clear", `expected at least ${below}`);
  });

const absenceSchema = z.strictObject({
  kind: z.literal("absence"),
  after: spanSchema
    .optional()
    .describe(
      "Silent for so long, while AURA was there to hear it; the next reading clears it. Default: `silentAfter` of the source.",
    ),
  lastWill: z
    .enum(["silent", "ignore"])
    .default("silent")
    .describe(
      "An asset that a last will said farewell for is silent from then on, or (`ignore`) after `after` like any other.",
    ),
});

/** What the API and the ingestor measure of themselves (`aura.platform_samples`). */
export const PLATFORM_METRICS = ["predict_latency_seconds", "ingest_lag_seconds"] as const;
export type PlatformMetric = (typeof PLATFORM_METRICS)[number];

const zScoreSchema = z
  .strictObject({
    kind: z.literal("zscore"),
    columns: z
      .array(columnName)
      .min(1)
      .max(100)
      .optional()
      .describe("Default: all columns that are numbers."),
    platform: z
      .array(z.enum(PLATFORM_METRICS))
      .min(1)
      .max(PLATFORM_METRICS.length)
      .optional()
      .describe("Instead of sensors: what AURA measures of itself."),
    prometheus: z
      .strictObject({
        query: z.string().min(1).max(2_000).describe("PromQL; each series is looked at by itself."),
      })
      .optional()
      .describe("Instead of sensors: what the Prometheus of `AURA_PROMETHEUS_URL` keeps."),
    above: z
      .number()
      .positive()
      .max(1_000)
      .default(3)
      .describe("Fires where |z| of the newest value is above."),
    window: spanSchema.default("6h").describe("Values of so long are looked at."),
    every: spanSchema.default("5m").describe("How often it looks."),
    minSamples: z
      .int()
      .min(11)
      .max(2_000)
      .default(11)
      .describe("Fewer values, the newest included, say nothing; of ten none can lie three deviations out."),
  })
  .superRefine(({ columns, platform, prometheus }, context) => {
    if ([columns, platform, prometheus].filter((one) => one !== undefined).length > 1)
      context.addIssue({
        code: "custom",
        path: ["columns"],
        message: "expected one of columns, platform, prometheus",
      });
  });

/** Declaration of an alert rule: what `aura alerts rules put` takes. */
export const alertRuleSchema = z
  .strictObject({
    name: nameSchema.describe("The rule."),
    description: z.string().max(500).optional().describe("What to do, for who is told."),
    severity: z.enum(SEVERITIES).default("warning").describe("How bad it is."),
    labels: labelsSchema.default({}).describe("Words that go with each of its alerts."),
    source: nameSchema.optional().describe("The live source it looks at."),
    assets: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(100)
      .optional()
      .describe("Assets, with `*` for any text; default: all."),
    assetClass: textSchema.optional().describe("Assets of this class only."),
    when: z
      .discriminatedUnion("kind", [thresholdSchema, absenceSchema, zScoreSchema])
      .describe("What it looks for."),
    notify: z
      .strictObject({
        channels: z
          .array(nameSchema)
          .max(20)
          .optional()
          .describe("Who is told; default: every channel that takes such alerts."),
        again: spanSchema.optional().describe("Tells again while it is open and nobody acknowledged it."),
        escalate: z
          .strictObject({
            after: spanSchema.describe("Not acknowledged for so long."),
            channels: z.array(nameSchema).min(1).max(20).describe("These are told as well."),
          })
          .optional(),
      })
      .default({})
      .describe("Whom it tells, and how often."),
  })
  .superRefine(({ source, when }, context) => {
    const needsSource =
      when.kind === "absence" ||
      (when.kind === "threshold" && when.column !== undefined) ||
      (when.kind === "zscore" && when.platform === undefined && when.prometheus === undefined);
    if (needsSource && source === undefined)
      context.addIssue({ code: "custom", path: ["source"], message: "expected the name of a live source" });
  });
export type AlertRule = z.infer<typeof alertRuleSchema>;
export type AlertCondition = AlertRule["when"];
export type ThresholdCondition = Extract<AlertCondition, { readonly kind: "threshold" }>;
export type AbsenceCondition = Extract<AlertCondition, { readonly kind: "absence" }>;
export type ZScoreCondition = Extract<AlertCondition, { readonly kind: "zscore" }>;
