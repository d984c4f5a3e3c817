import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";

/** Logical type of a column. `float`/`integer`/`boolean` become doubles in the feature space. */
export const columnTypeSchema = z.enum(["float", "integer", "boolean", "text", "timestamp"]);
export type ColumnType = z.infer<typeof columnTypeSchema>;

export const columnSchema = z
  .strictObject({
    name: dataIdSchema.describe("Column name in the file; for files without a header any name, by position."),
    type: columnTypeSchema.default("float").describe("float, integer, boolean, text or timestamp."),
    unit: z.string().max(32).optional().describe("Physical unit from the known list, e.g. °C, A, kV, rpm."),
    range: z
      .tuple([z.number(), z.number()])
      .refine(([lo, hi]) => lo < hi, "expected [min, max] with min < max")
      .optional()
      .describe("Allowed [min, max] in `unit`; readings outside go to quarantine."),
    nullable: z.boolean().default(true).describe("Whether a reading may lack this value."),
    values: z.array(z.string().max(128)).max(10_000).optional().describe("Allowed values of a text column."),
    use: z
      .enum(["feature", "label", "ignore"])
      .default("feature")
      .describe(
        "`ignore` keeps the column out of the features (leakage, ids); `label` marks a label column.",
      ),
    description: z.string().max(500).optional().describe("What it measures, for people."),
  })
  .describe("One column of a source.");
export type Column = z.infer<typeof columnSchema>;

export const formatSchema = z
  .strictObject({
    type: z.enum(["csv", "jsonl", "parquet"]).default("csv").describe("How the rows are written."),
    delimiter: z
      .enum([",", ";", "\t", "|", "whitespace"])
      .default(",")
      .describe("CSV only; `whitespace` is one or more spaces or tabs."),
    header: z.boolean().default(true).describe("CSV only: whether the first line names the columns."),
    nullValues: z
      .array(z.string())
      .default(["", "NA", "NaN", "nan", "null", "NULL"])
      .describe("Texts that mean a missing value."),
    decimal: z.enum([".", ","]).default(".").describe("The sign before decimals: `,` for 3,14."),
  })
  .describe("How the files are written; gzip is recognised by its bytes, BOM and CRLF are accepted.");

const relativePath = z
  .string()
  .min(1)
  .max(512)
  .refine((p) => !p.startsWith("/") && !p.split(/[\\/]/).includes("..") && !p.includes("\0"), {
    message: "expected a path or glob relative to --data, without '..'",
  });

export const fileGroupSchema = z.strictObject({
  path: relativePath.describe("Path or glob (*, **) relative to --data."),
  part: nameSchema.optional().describe("Name of this part of the data, for `split` and `label`, e.g. train."),
  assetPrefix: z
    .string()
    .max(32)
    .optional()
    .describe("Put before the asset ids of these files, when two files number different machines alike."),
});
export type FileGroup = z.infer<typeof fileGroupSchema>;

const filesSchema = z
  .union([relativePath, fileGroupSchema, z.array(z.union([relativePath, fileGroupSchema])).min(1)])
  .transform((v) =>
    (Array.isArray(v) ? v : [v]).map((g): FileGroup => (typeof g === "string" ? { path: g } : g)),
  );

export const timeSchema = z.strictObject({
  column: dataIdSchema.describe("Column that holds it."),
  kind: z
    .enum(["timestamp", "cycle"])
    .describe("`cycle`: an integer that counts up; `timestamp`: a point in time."),
  format: z
    .string()
    .max(64)
    .optional()
    .describe("strptime format; without it ISO 8601, or a number of `epochUnit` since 1970."),
  epochUnit: z.enum(["s", "ms", "us"]).optional().describe("The column is a number of these since 1970."),
  timezone: z.string().max(64).default("UTC").describe("IANA zone of timestamps without an offset."),
});
export type SourceTime = z.infer<typeof timeSchema>;

export const sourceSchema = z
  .strictObject({
    role: z
      .enum(["readings", "events", "attributes", "labels"])
      .default("readings")
      .describe(
        "readings: sensor rows; events: what happened when; attributes: one row per asset; labels: truth.",
      ),
    files: filesSchema.optional().describe("Files relative to --data, with optional parts."),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("HTTP pull source instead of files."),
    live: nameSchema
      .optional()
      .describe(
        "Live source with the same readings as they come; the model is fed from it. Default: the one named like the pipeline.",
      ),
    format: formatSchema.default(() => formatSchema.parse({})),
    asset: dataIdSchema
      .optional()
      .describe("Column with the asset id; without it every row is its own asset."),
    site: dataIdSchema
      .optional()
      .describe("Text column with the site of an asset; keys may be limited to sites."),
    customer: dataIdSchema.optional().describe("Text column with the customer whom the site belongs to."),
    time: timeSchema.optional().describe("Time column; without it rows have no order."),
    columns: z.array(columnSchema).min(1).max(5_000).describe("The columns of the files, with their types."),
    pii: z
      .array(dataIdSchema)
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        "Declared columns with personal data: read past, kept in no dataset, and masked in quarantine and messages. Those that the live source declares count as well.",
      ),
    unknownColumns: z
      .enum(["reject", "ignore"])
      .default("reject")
      .describe("`ignore` reads past columns that are not declared."),
  })
  .refine(
    (s) => (s.files === undefined) !== (s.url === undefined),
    "expected exactly one of `files` and `url`",
  )
  .refine((s) => s.live === undefined || s.role === "readings", "expected `live` in the readings alone")
  .meta({ oneOf: [{ required: ["files"] }, { required: ["url"] }] });
export type Source = z.infer<typeof sourceSchema>;
