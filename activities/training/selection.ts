import { z } from "zod";
import { metricSetSchema } from "../../schemas/model-version.ts";

/** What cross-validation decided; stored between selection, final training and evaluation. */
export const selectionSchema = z.strictObject({
  kind: z.literal("aura.selection/1"),
  chosen: z.string(),
  primaryMetric: z.string(),
  candidates: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      cv: metricSetSchema,
      threshold: z.number().nullable(),
      iterations: z.number().nullable(),
      /** Of a blend: its members and their shares, which sum to 1. */
      members: z.array(z.strictObject({ name: z.string(), weight: z.number() })).optional(),
    }),
  ),
  cvRows: z.int(),
});
export type Selection = z.infer<typeof selectionSchema>;
