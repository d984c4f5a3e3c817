import { z } from "zod";
import { durationMs, durationSchema } from "./time.ts";

const withDefaults = <T extends z.ZodType>(schema: T) => schema.prefault({} as never);

/** A guard, or false: it is not judged. */
const guard = <T extends z.ZodType>(schema: T) => z.union([z.literal(false), schema]).prefault({} as never);

export const guardsSchema = z.strictObject({
  minRows: z
    .int()
    .min(20)
    .max(1_000_000)
    .default(100)
    .describe("Answers before latency, scores and disagreement are judged."),
  significance: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.001)
    .describe("A guard trips where chance would do as much with less than this probability."),
  errorRate: guard(
    z.strictObject({
      max: z
        .number()
        .min(0)
        .lt(1)
        .default(0.01)
        .describe("Share of requests that the new version may fail to answer, or the champion's own share."),
    }),
  ).describe("Requests that the new version cannot answer; the champion answers them."),
  nonFinite: guard(
    z.strictObject({
      max: z.int().min(0).default(0).describe("Requests answered NaN or Infinity that are borne."),
    }),
  ).describe("Answers that are no number, of whichever asset class."),
  latency: guard(
    z.strictObject({
      ratio: z
        .number()
        .gt(1)
        .default(3)
        .describe("Times the champion's median that the new version's may be; its 95th percentile likewise."),
      minMs: z
        .number()
        .min(0)
        .default(0.5)
        .describe("Milliseconds more than the champion's that are borne whatever the ratio."),
    }),
  ).describe("Time to an answer beside the champion's in the same stage, in canary stages."),
  scoreShift: guard(
    z.strictObject({
      psi: z.number().positive().default(0.25).describe("PSI above its null mean."),
      ks: z.number().positive().lt(1).default(0.2).describe("Kolmogorov–Smirnov distance."),
    }),
  ).describe("Distribution of the answers beside the champion's on the same rows."),
  disagreement: guard(
    z.strictObject({
      max: z
        .number()
        .positive()
        .default(0.25)
        .describe(
          "Classes: share of rows answered differently; numbers: mean difference in standard deviations of the champion's answers.",
        ),
    }),
  ).describe("How often both differ on the same rows."),
  afterDrift: z
    .enum(["tell", "judge"])
    .default("tell")
    .describe(
      "scoreShift and disagreement in the rollout of a retrain that drift or degradation asked for. tell: what they find is recorded and borne, as the champion that they go by is what is in doubt; judge: as in any other.",
    ),
  quality: guard(
    z.strictObject({
      maxWorse: z
        .number()
        .min(0)
        .max(10)
        .default(0.1)
        .describe("Share by which the realized primary metric may be worse than the champion's."),
      minLabels: z.int().min(10).default(50).describe("Labelled predictions of both before it is judged."),
    }),
  ).describe("Realized quality, as far as labels arrive in time."),
});
export type RolloutGuards = z.infer<typeof guardsSchema>;

const bake = (fallback: string) =>
  durationSchema.default(fallback).describe("How long the stage lasts at least.");

export const rolloutSchema = z
  .strictObject({
    shadow: z
      .union([z.literal(false), z.strictObject({ bake: bake("1h") })])
      .prefault({})
      .describe("The new version is scored and never answers; false: the canary comes first."),
    steps: z
      .array(
        z.strictObject({
          share: z.number().gt(0).lt(100).describe("Per cent of the assets that it answers for."),
          bake: bake("1h"),
        }),
      )
      .max(10)
      .default([5, 25, 50].map((share) => ({ share, bake: "1h" })))
      .describe("Canary stages, each with a larger share; after the last it is the champion."),
    minRows: z
      .int()
      .min(0)
      .default(500)
      .describe("Answers that each stage must have seen before the next one begins."),
    maxBake: durationSchema
      .default("7d")
      .describe("A stage with too few answers is prolonged by its own length up to this."),
    onTooFew: z
      .enum(["pause", "rollback"])
      .default("pause")
      .describe("What happens then. pause: it waits for a person, with an alert."),
    guards: withDefaults(guardsSchema).describe("What rolls the new version back by itself."),
  })
  .refine(
    ({ steps }) => steps.every(({ share }, i) => i === 0 || share > (steps[i - 1]?.share ?? 0)),
    "expected shares that grow from step to step",
  )
  .refine(({ shadow, steps }) => shadow !== false || steps.length > 0, "expected a shadow or a canary stage");
export type Rollout = z.infer<typeof rolloutSchema>;

/** One stage of a rollout: its share of the requests is 0 in shadow. */
export interface RolloutStage {
  readonly mode: "shadow" | "canary";
  readonly share: number;
  readonly bakeMs: number;
}

/** A rollout as it is executed: durations in milliseconds, stages in order. */
export interface RolloutPlan {
  readonly stages: readonly RolloutStage[];
  readonly minRows: number;
  readonly maxBakeMs: number;
  readonly onTooFew: "pause" | "rollback";
  readonly guards: RolloutGuards;
  /** With keys on: whether messages sent straight to Temporal count. */
  readonly allowDirectSignals: boolean;
}

export function rolloutPlan(
  { shadow, steps, minRows, maxBake, onTooFew, guards }: Rollout,
  allowDirectSignals: boolean,
): RolloutPlan {
  const first: RolloutStage[] =
    shadow === false ? [] : [{ mode: "shadow", share: 0, bakeMs: durationMs(shadow.bake) }];
  const canary = steps.map((step): RolloutStage => {
    return { mode: "canary", share: step.share, bakeMs: durationMs(step.bake) };
  });
  const stages = [...first, ...canary];
  return { stages, minRows, maxBakeMs: durationMs(maxBake), onTooFew, guards, allowDirectSignals };
}
