import { z } from "zod";
import { dataIdSchema, nameSchema, sha256Schema } from "../names.ts";

/** What can be asked about. `file`: SHA-256 of an original, or its name in a run. */
export const LINEAGE_KINDS = ["prediction", "model", "dataset", "file", "score", "drift"] as const;
export type LineageKind = (typeof LINEAGE_KINDS)[number];

/**
 * What a thing came from and what came of it, a list each, newest first.
 *
 * | list | of a prediction, score or drift report | of a model | of a dataset or file |
 * |---|---|---|---|
 * | files, datasets, runs, versions, approvals | what it rests on; of a score also what it scored | what it rests on | what was made with it, failed runs too |
 * | predictions | itself; of a drift report those it looked at | its answers | answers of those versions |
 * | scores, drift | itself | its own | fleet scores that read it or came of those versions; their drift reports |
 * | maintenance | recommendations that rest on it, and their work orders; of a drift report none | those of its answers | those of those versions |
 */
export const LINEAGE_LISTS = [
  "files",
  "datasets",
  "runs",
  "versions",
  "approvals",
  "predictions",
  "scores",
  "drift",
  "maintenance",
] as const;
export type LineageList = (typeof LINEAGE_LISTS)[number];

/** One line of any list; what a list does not know of its items is null. */
export const lineageItemSchema = z.strictObject({
  /** SHA-256 of a file, id, or `model@version`. */
  id: z.string(),
  /** When it was made, or as of when: ISO 8601. */
  at: z.string(),
  /** Name of a file; pipeline of a dataset or run. */
  name: z.string().nullable(),
  model: nameSchema.nullable(),
  version: z.int().nullable(),
  digest: sha256Schema.nullable(),
  /** Dataset that a run, version or fleet score read. */
  dataset: z.string().nullable(),
  asset: dataIdSchema.nullable(),
  /** Headline output of a prediction. */
  value: z.number().nullable(),
  /** Outcome of a run, stage of a version, state of an approval, drift report, recommendation or work order. */
  state: z.string().nullable(),
  /** Who decided an approval or recommendation; outcome of a work order; workflow of a run; key of a file's object. */
  detail: z.string().nullable(),
});
export type LineageItem = z.infer<typeof lineageItemSchema>;

/** Reply of `GET /v1/lineage/{kind}/{id}/{list}`; `next` is the cursor of the page after, null on the last. */
export const lineagePageSchema = z.strictObject({
  items: z.array(lineageItemSchema),
  next: z.string().nullable(),
});
export type LineagePage = z.infer<typeof lineagePageSchema>;

/** Reply of `GET /v1/lineage/{kind}/{id}`: how many there are, and the newest of each list. */
export const lineageSchema = z.strictObject({
  kind: z.enum(LINEAGE_KINDS),
  id: z.string(),
  counts: z.record(z.enum(LINEAGE_LISTS), z.int()),
  lists: z.record(z.enum(LINEAGE_LISTS), z.array(lineageItemSchema)),
});
export type Lineage = z.infer<typeof lineageSchema>;
