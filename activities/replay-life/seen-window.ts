import { z } from "zod";
import { gateResultSchema, metricSetSchema } from "../../schemas/models/model-version.ts";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import { replayWindowSchema } from "../../schemas/runs/replay-life.ts";

/** `rows`: truth, truthRaw, prediction, assets and cost. */
const armSchema = z.strictObject({
  rows: objectRefSchema,
  threshold: z.number().nullable(),
  nClasses: z.int(),
});
export type StoredArm = z.infer<typeof armSchema>;

/** What is stored of a window: its row of the result, and all that drifted, for the windows after it. */
export const seenWindowSchema = z.strictObject({
  kind: z.literal("aura.replay-window/1"),
  window: replayWindowSchema,
  drifted: z.array(z.string()),
  /** Labelled rows of both arms, where they are two. */
  arms: z.strictObject({ loop: armSchema, frozen: armSchema }).optional(),
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
