import { z } from "zod";
import { codeVersionSchema } from "../code-version.ts";
import { nameSchema, sha256Schema } from "../names.ts";

/** Steps of a reproduction, in the order in which a difference spreads. */
export const REPRODUCED_STAGES = ["transform", "train", "evaluate"] as const;

/** What training a version again gave, beside what is registered. Without times: equal inputs give an equal document. */
export const reproductionSchema = z.strictObject({
  model: nameSchema,
  version: z.int(),
  /** Whether every file of the version came out byte for byte. */
  equal: z.boolean(),
  digest: z.strictObject({ recorded: sha256Schema, reproduced: sha256Schema }),
  dataset: sha256Schema,
  /** Searches of its run: not made again, their recorded parameters are what was trained with. */
  searches: z.array(z.strictObject({ candidate: z.string(), number: z.int(), trials: z.int() })).default([]),
  /** Every file of either manifest. */
  files: z.array(
    z.strictObject({
      role: z.string(),
      name: z.string(),
      stage: z.enum(REPRODUCED_STAGES),
      equal: z.boolean(),
      /** null: one side has no such file. */
      recorded: sha256Schema.nullable(),
      reproduced: sha256Schema.nullable(),
      /** Offset of the first byte that differs; null where they are equal or one is missing. */
      firstDifference: z.int().nullable(),
    }),
  ),
  /** Per stage, whether what it made is what was recorded. */
  stages: z.array(
    z.strictObject({ stage: z.enum(REPRODUCED_STAGES), equal: z.boolean(), detail: z.string() }),
  ),
  code: z.strictObject({
    /** null: registered before it was recorded. */
    recorded: codeVersionSchema.nullable(),
    now: codeVersionSchema,
    equal: z.boolean().nullable(),
  }),
});
export type Reproduction = z.infer<typeof reproductionSchema>;

/** Reply of `GET /v1/models/{model}/versions/{version}/reproduction`. */
export const reproductionViewSchema = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  status: z.enum(["running", "finished"]),
  result: reproductionSchema.optional(),
});
export type ReproductionView = z.infer<typeof reproductionViewSchema>;
