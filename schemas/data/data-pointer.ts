import { z } from "zod";
import { dataKindSchema } from "./data-diff.ts";
import { nameSchema, sha256Schema } from "../names.ts";

/**
 * What stands in Git for data: some hundred bytes that name exactly one version of it. Without times, machine names or
 * addresses, so that the same data has the same pointer wherever it is written.
 */
export const dataPointerSchema = z.strictObject({
  kind: z.literal("aura.pointer/1"),
  of: dataKindSchema,
  /** Hash of the manifest, and with it of every part. */
  id: sha256Schema,
  /** For people: whose data it is. */
  pipeline: nameSchema,
  rows: z.int().min(0),
  bytes: z.int().min(0),
});
export type DataPointer = z.infer<typeof dataPointerSchema>;

/** The same for the files of a model version. */
export const modelPointerSchema = z.strictObject({
  kind: z.literal("aura.pointer/1"),
  of: z.literal("model"),
  /** The version digest: the hash over the hashes of all its files. */
  id: sha256Schema,
  model: nameSchema,
  version: z.int().min(1),
  bytes: z.int().min(0),
});
export type ModelPointer = z.infer<typeof modelPointerSchema>;
