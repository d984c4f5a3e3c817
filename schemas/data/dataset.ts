import { z } from "zod";
import { nameSchema, sha256Schema } from "../names.ts";
import { objectRefSchema } from "../object-ref.ts";
import { columnTypeSchema } from "../pipeline/source.ts";

/** One uploaded original file as a run receives it: `name` is the path relative to --data. */
export const rawFileSchema = z.strictObject({ name: z.string().min(1).max(512), object: objectRefSchema });
export type RawFile = z.infer<typeof rawFileSchema>;

/**
 * Columns of every processed Parquet part.
 *
 * Physical names are fixed; user column names are data and appear only in manifests: `v0`, `v1` … in the order
 * of `columns`. Every part of a readings source is sorted by (`__asset`, `__t`, `__seq`), and one asset is in
 * one shard only.
 *
 * | column | type | meaning |
 * |---|---|---|
 * | `__asset` | VARCHAR | asset id with its prefix; without an asset column `row-<seq>` |
 * | `__t` | BIGINT | microseconds since 1970 UTC, or the cycle; without a time column equal to `__seq` |
 * | `__seq` | BIGINT | number of the accepted row in file order over all files of the source, from 0 |
 * | `__part` | VARCHAR | part name of the file group, or '' |
 * | `v<i>` | DOUBLE (float, integer, boolean), VARCHAR (text), BIGINT µs (timestamp) | NULL = missing |
 */
export const storedColumnSchema = z.strictObject({
  name: z.string(),
  physical: z.string().regex(/^v\d+$/),
  type: columnTypeSchema,
  unit: z.string().optional(),
  use: z.enum(["feature", "label", "ignore"]),
});
export type StoredColumn = z.infer<typeof storedColumnSchema>;

export const parquetPartSchema = z.strictObject({
  object: objectRefSchema,
  rows: z.int().min(0),
  shard: z.int().min(0),
});
export type ParquetPart = z.infer<typeof parquetPartSchema>;

/** Why rows of a source were not accepted: quarantine code → count. */
export const sourceCountsSchema = z.strictObject({
  read: z.int().min(0),
  accepted: z.int().min(0),
  quarantined: z.int().min(0),
  byReason: z.record(z.string(), z.int().min(0)),
});
export type SourceCounts = z.infer<typeof sourceCountsSchema>;

export const datasetSourceSchema = z.strictObject({
  role: z.enum(["readings", "events", "attributes", "labels"]),
  hasAsset: z.boolean(),
  timeKind: z.enum(["timestamp", "cycle", "none"]),
  columns: z.array(storedColumnSchema),
  /** Columns of the files with personal data (`pii`): none of their values is in the parts or the quarantine. */
  personal: z.array(storedColumnSchema.pick({ name: true, type: true })).optional(),
  /** Hash of role, asset, time and columns: what a compatible later file must have. */
  schemaHash: sha256Schema,
  parts: z.array(parquetPartSchema),
  counts: sourceCountsSchema,
  /** Distinct assets (readings, attributes, events); rows where there is no asset column. */
  nAssets: z.int().min(0),
});
export type DatasetSource = z.infer<typeof datasetSourceSchema>;

/** An immutable snapshot of sources. Its id is `hashOf(manifest)`; it holds no times and no machine names. */
export const datasetManifestSchema = z.strictObject({
  kind: z.literal("aura.dataset/1"),
  pipeline: nameSchema,
  owner: z.string(),
  retention: z.string(),
  raw: z.array(
    z.strictObject({ name: z.string(), source: nameSchema, part: z.string(), object: objectRefSchema }),
  ),
  sources: z.record(nameSchema, datasetSourceSchema),
  /** Parquet with one row per quarantined row: source, file, line, code, message, text (≤ 1 KiB), asset. */
  quarantine: parquetPartSchema.optional(),
  /** Of a replay of history: nothing later than this `__t` is in it. Such a dataset is never registered. */
  asOf: z.number().optional(),
});
export type DatasetManifest = z.infer<typeof datasetManifestSchema>;
