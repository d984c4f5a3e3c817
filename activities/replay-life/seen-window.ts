import { z } from "zod";
import { gateResultSchema, metricSetSchema } from "../../schemas/models/model-version.ts";
import { replayWindowSchema } from "../../schemas/runs/replay-life.ts";

/** What is stored of a window: its row of the result, and all that drifted, for the windows after it. */
export const seenWindowSchema = z.strictObject({
  kind: z.literal("aura.replay-window/1"),
  window: replayWindowSchema,
  drifted: z.array(z.string()),
});
export type SeenWindow = z.infer<typeof seenWindowSchema>;

/** What is stored of a decision by rule. */
export const judgementSchema = z.strictObject({
  kind: z.literal("aura.replay-judgement/1"),
  passed: z.boolean(),
  message: z.string(),
  gates: z.array(gateResultSchema),
  basis: z.enum(["newest", "holdout"]),
  rows: z.int(),
  metrics: metricSetSchema,
  championMetrics: metricSetSchema.nullable(),
});
export type Judgement = z.infer<typeof judgementSchema>;
