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
const columnsSchema = z.union([z.literal("*"), z.array(dataIdSchema).min(1)]).default("*");
const windowsSchema = z.array(spanSchema).min(1).max(32);
const stepsSchema = z.array(z.int().min(1).max(100_000)).min(1).max(64);
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
    stats: z.array(rollingStatSchema).min(1),
    windows: windowsSchema,
    minPeriods,
  }),
  lag: z.strictObject({ columns: columnsSchema, steps: stepsSchema }),
  difference: z.strictObject({ columns: columnsSchema, steps: stepsSchema }),
  exponential: z.strictObject({
    columns: columnsSchema,
    halfLives: z.array(z.number().positive()).min(1).describe("In readings."),
  }),
  expanding: z.strictObject({
    columns: columnsSchema,
    stats: z.array(z.enum(["mean", "std", "min", "max"])).min(1),
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
    resetBy: z.strictObject({ source: nameSchema, where: whereSchema.optional() }).optional(),
  }),
  event_count: z.strictObject({ source: nameSchema, where: whereSchema.optional(), windows: windowsSchema }),
  time_since: z.strictObject({ source: nameSchema, where: whereSchema.optional() }),
  attribute: z.strictObject({ source: nameSchema, columns: z.array(dataIdSchema).min(1) }),
  cyclical: z.strictObject({ of: z.array(z.enum(["hour_of_day", "day_of_week", "month_of_year"])).min(1) }),
  correlation: z.strictObject({
    pairs: z.array(z.tuple([dataIdSchema, dataIdSchema])).min(1),
    windows: windowsSchema,
    minPeriods: z.int().min(2).default(3),
  }),
  category: z.strictObject({ columns: z.array(dataIdSchema).min(1) }),
  expression: z.strictObject({
    name: dataIdSchema,
    formula: z
      .string()
      .min(1)
      .max(1_000)
      .describe(
        "Columns and features with + - * / abs log sqrt min max and numbers; names with other signs in [brackets].",
      ),
    unit: z.string().max(32).optional(),
    feature: z.boolean().default(true).describe("false: only an input to other operators."),
  }),
} as const;

export type OperatorName = keyof typeof operatorSchemas;
export type OperatorParams<K extends OperatorName = OperatorName> = z.infer<(typeof operatorSchemas)[K]>;

/** One declared operator, e.g. `{ rolling: { columns: "*", stats: ["mean"], windows: [5, 30] } }`. */
export type FeatureDeclaration = {
  [K in OperatorName]: { readonly [P in K]: OperatorParams<K> };
}[OperatorName];

const declarationSchemas = (Object.keys(operatorSchemas) as OperatorName[]).map((k) =>
  z.strictObject({ [k]: operatorSchemas[k] }),
);

export const featureDeclarationSchema = z.union(
  declarationSchemas as [(typeof declarationSchemas)[number], ...(typeof declarationSchemas)[number][]],
) as unknown as z.ZodType<FeatureDeclaration>;

export const regimesSchema = z
  .strictObject({
    columns: z.array(dataIdSchema).min(1).max(16).describe("Operating settings to cluster."),
    count: z.int().min(2).max(32),
    normalize: columnsSchema.describe("Columns that are standardised per regime before any window is taken."),
  })
  .describe(
    "Operating regimes: k-means on the settings of the training rows; sensors normalised per regime.",
  );
export type Regimes = z.infer<typeof regimesSchema>;
