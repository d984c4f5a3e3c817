import { z } from "zod";
import { dataIdSchema, nameSchema, sha256Schema } from "../names.ts";
import { spanSchema } from "../pipeline/time.ts";
import { answerIntervalSchema } from "../serving/prediction.ts";

/** An answer of a champion for an asset, as far as maintenance goes by it. */
export const answerSchema = z.strictObject({
  model: nameSchema,
  asset: dataIdSchema,
  version: z.int(),
  digest: sha256Schema,
  /** Probability of a failure or of the named classes, remaining life in `unit`, or how unusual. */
  kind: z.enum(["probability", "remaining", "anomaly"]),
  value: z.number(),
  /** Of a remaining life: `h` or `cycles`, as the version says it. */
  unit: z.string().nullable(),
  interval: answerIntervalSchema.optional(),
  /** Of a probability of failure: within what time. Absent in what was seen before it was told. */
  horizon: spanSchema.optional(),
  /** Of several classes: the likeliest. */
  class: z.string().optional(),
  /** Whether it calls for maintenance. */
  holds: z.boolean(),
  timeKind: z.enum(["timestamp", "cycle"]),
  /** What it is about: microseconds since 1970, or the cycle. */
  t: z.int(),
  /** The trace of a live answer. */
  predictionId: z.string().nullable(),
  /** The fleet score it is of. */
  scoreId: z.string().nullable(),
  /** When it was given: ISO 8601. */
  at: z.string(),
});
export type Answer = z.infer<typeof answerSchema>;
