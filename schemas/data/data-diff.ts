import { z } from "zod";
import { sha256Schema } from "../names.ts";

/** Kinds of versioned data: what was read, and what was made of it. */
export const DATA_KINDS = ["dataset", "features"] as const;
export const dataKindSchema = z.enum(DATA_KINDS);
export type DataKind = z.infer<typeof dataKindSchema>;

/** One of the versions of data whose ids begin with some digits. */
export const dataIdRowSchema = z.strictObject({ kind: dataKindSchema, id: z.string(), pipeline: z.string() });

/** One column over all rows of one side. Figures are rounded to 12 digits; null: there are none. */
export const columnStatsSchema = z.strictObject({
  rows: z.int(),
  /** 0 to 1; null without rows. */
  nullShare: z.number().nullable(),
  mean: z.number().nullable(),
  /** Of the population. */
  std: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** Text columns: how many values there are. */
  distinct: z.int().nullable(),
});
export type ColumnStats = z.infer<typeof columnStatsSchema>;

const sidesOf = <T extends z.ZodType>(value: T) =>
  z.strictObject({ a: value.nullable(), b: value.nullable() });

/** A column that one side does not have, or has as something else. */
export const schemaChangeSchema = z.strictObject({
  column: z.string(),
  change: z.enum(["added", "removed", "changed"]),
  /** Type, unit and use in words. */
  ...sidesOf(z.string()).shape,
});

/**
 * Rows of two tables held against each other by asset and time. `changed`: there on both sides, with another value in a
 * column that both have.
 */
export const rowChangesSchema = z.strictObject({
  equal: z.int(),
  changed: z.int(),
  added: z.int(),
  removed: z.int(),
});
export type RowChanges = z.infer<typeof rowChangesSchema>;

/** A table of both sides: a source of a dataset, or the one table of a feature set. */
export const tableDiffSchema = z.strictObject({
  name: z.string(),
  change: z.enum(["equal", "added", "removed", "changed"]),
  rows: sidesOf(z.int()),
  assets: sidesOf(z.int()),
  /** Rows by asset and time; absent where the bytes are equal, a side is missing, or there are too many to hold. */
  changes: rowChangesSchema.optional(),
  schema: z.array(schemaChangeSchema),
  /** Columns of both sides with the same type, in the order of `b`. Empty where the bytes are equal. */
  columns: z.array(
    z.strictObject({
      name: z.string(),
      isChanged: z.boolean(),
      a: columnStatsSchema,
      b: columnStatsSchema,
    }),
  ),
});
export type TableDiff = z.infer<typeof tableDiffSchema>;

/** Two versions of data, `b` against `a`. Plain data, no times: equal inputs give an equal document. */
export const dataDiffSchema = z.strictObject({
  kind: dataKindSchema,
  a: sha256Schema,
  b: sha256Schema,
  equal: z.boolean(),
  tables: z.array(tableDiffSchema),
  /** Originals, by name: what a dataset was read from. */
  files: z.strictObject({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
    nEqual: z.int(),
  }),
});
export type DataDiff = z.infer<typeof dataDiffSchema>;

/** Reply of `GET /v1/data-diffs/{a}/{b}`. */
export const dataDiffViewSchema = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  status: z.enum(["running", "finished"]),
  result: dataDiffSchema.optional(),
});
