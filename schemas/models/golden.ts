import { z } from "zod";

/**
 * `golden.json` of a version: rows of the holdout with the trainer's own answers. A server that loads the
 * graph must give the same, or does not serve it.
 */
export const goldenSchema = z.strictObject({
  kind: z.literal("aura.golden/1"),
  /** nRows × nFeatures in signature order; null = missing. */
  rows: z.array(z.array(z.number().nullable())).min(1).max(256),
  /** nRows × nOutputs of the graph's output tensor. */
  outputs: z.array(z.array(z.number())).min(1).max(256),
});
export type Golden = z.infer<typeof goldenSchema>;
