import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";
import { whereSchema } from "./label.ts";
import { spanSchema } from "./time.ts";

/**
 * The declared features: a list of one-key objects, the key naming the operator.
 *
 * `columns` names numeric columns of the readings source (or names given by an earlier `expression` over
 * columns); `"*"` means every numeric column with `use: feature`. A window that is a number counts readings
 * (ROWS), one that is a duration counts time (RANGE); both include the present reading.
 */
const columnsSchema = z
  .union([z.literal("*"), z.array(dataIdSchema).min(1)])
  .default("*")
  .describe("Numeric columns; `*`: all with use: feature.");
const windowsSchema = z
  .array(spanSchema)
  .min(1)
  .max(32)
  .describe("A number counts readings, a duration counts time; the present reading is in it.");
const stepsSchema = z.array(z.int().min(1).max(100_000)).min(1).max(64).describe("How many readings ago.");
const sourceName = nameSchema.describe("An events source.");
const where = whereSchema.optional().describe("Which of its rows count; default: all.");
const minPeriods = z.int().min(1).default(1).describe("Fewer readings in the window than this give missing.");

export const rollingStatSchema = z.enum([
  "mean",
  "std",
  "min",
  "max",
  "median",
  "q10",
  "q90",
  "slope",
  "sum",
  "count",
]);

export const operatorSchemas = {
  current: z.strictObject({ columns: columnsSchema }),
  rolling: z.strictObject({
    columns: columnsSchema,
    stats: z.array(rollingStatSchema).min(1).describe("Statistics of each window."),
    windows: windowsSchema,
    minPeriods,
  }),
  lag: z.strictObject({ columns: columnsSchema, steps: stepsSchema }),
  difference: z.strictObject({ columns: columnsSchema, steps: stepsSchema }),
  exponential: z.strictObject({
    columns: columnsSchema,
    halfLives: z.array(z.number().positive()).min(1).describe("Half-lives of the weights, in readings."),
  }),
  expanding: z.strictObject({
    columns: columnsSchema,
    stats: z
      .array(z.enum(["mean", "std", "min", "max"]))
      .min(1)
      .describe("Statistics since the start."),
    minPeriods,
  }),
  baseline: z.strictObject({
    columns: columnsSchema,
    over: z
      .union([z.literal("life"), z.int().min(1)])
      .default("life")
      .describe(
        "life: difference from the expanding mean; n: from the mean of the asset's first n readings (the readings so far, before n).",
      ),
  }),
  age: z.strictObject({
    resetBy: z
      .strictObject({ source: sourceName, where })
      .optional()
      .describe("Events that start it anew; without it age counts from the first reading."),
  }),
  event_count: z.strictObject({ source: sourceName, where, windows: windowsSchema }),
  time_since: z.strictObject({ source: sourceName, where }),
  attribute: z.strictObject({
    source: nameSchema.describe("An attributes source."),
    columns: z.array(dataIdSchema).min(1).describe("Its columns that become features."),
  }),
  cyclical: z.strictObject({
    of: z
      .array(z.enum(["hour_of_day", "day_of_week", "month_of_year"]))
      .min(1)
      .describe("Each gives a sine and a cosine."),
  }),
  correlation: z.strictObject({
    pairs: z
      .array(z.tuple([dataIdSchema, dataIdSchema]))
      .min(1)
      .describe("Two numeric columns each."),
    windows: windowsSchema,
    minPeriods: z.int().min(2).default(3).describe("Fewer readings in the window than this give missing."),
  }),
  category: z.strictObject({ columns: z.array(dataIdSchema).min(1).describe("Text columns.") }),
  expression: z.strictObject({
    name: dataIdSchema.describe("Name of the result, for later operators."),
    formula: z
      .string()
      .min(1)
      .max(1_000)
      .describe(
        "Columns and features with + - * / abs log sqrt min max and numbers; names with other signs in [brackets].",
      ),
    unit: z.string().max(32).optional().describe("Physical unit of the result."),
    feature: z.boolean().default(true).describe("false: only an input to other operators."),
  }),
} as const;

export type OperatorName = keyof typeof operatorSchemas;
export type OperatorParams<K extends OperatorName = OperatorName> = z.infer<(typeof operatorSchemas)[K]>;

/** One declared operator, e.g. `{ rolling: { columns: "*", stats: ["mean"], windows: [5, 30] } }`. */
export type FeatureDeclaration = {
  [K in OperatorName]: { readonly [P in K]: OperatorParams<K> };
}[OperatorName];

/** What each operator gives, for editors and the reference page. */
const OPERATOR_MEANINGS: Readonly<Record<OperatorName, string>> = {
  current: "The value itself.",
  rolling: "Statistics of a window.",
  lag: "The value some readings ago.",
  difference: "The change since some readings ago.",
  exponential: "Exponentially weighted mean.",
  expanding: "Statistics since the first reading.",
  baseline: "Difference from the machine's own past.",
  age: "Time since the first reading, or since the last event that resets it.",
  event_count: "Events in a window.",
  time_since: "Time since the last event.",
  attribute: "Columns of an attributes source.",
  cyclical: "Time of day, week or year as sine and cosine.",
  correlation: "Correlation of two sensors in a window.",
  category: "Codes of a text column, fitted on the training rows.",
  expression: "Arithmetic over columns and features.",
};

const declarationSchemas = (Object.keys(operatorSchemas) as OperatorName[]).map((k) =>
  z.strictObject({ [k]: operatorSchemas[k].describe(OPERATOR_MEANINGS[k]) }),
);

export const featureDeclarationSchema = z.union(
  declarationSchemas as [(typeof declarationSchemas)[number], ...(typeof declarationSchemas)[number][]],
) as unknown as z.ZodType<FeatureDeclaration>;

export const regimesSchema = z
  .strictObject({
    columns: z.array(dataIdSchema).min(1).max(16).describe("Operating settings to cluster."),
    count: z.int().min(1).max(32).describe("How many regimes; 1: sensors are left as read."),
    normalize: columnsSchema.describe("Columns that are standardised per regime before any window is taken."),
  })
  .describe(
    "Operating regimes: k-means on the settings of the training rows; sensors normalised per regime.",
  );
