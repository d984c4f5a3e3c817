import { z } from "zod";
import { durationSchema } from "./time.ts";

const bounds = {
  low: z.number().describe("Least value, included."),
  high: z.number().describe("Largest value, included."),
  log: z.boolean().exactOptional().describe("Even on the logarithm, for ranges over powers of ten."),
};

/** What a search may choose for one parameter of a candidate. */
export const dimensionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("float"),
    ...bounds,
    step: z.number().exactOptional().describe("Distance of the values, counted from `low`; not with `log`."),
  }),
  z.strictObject({
    kind: z.literal("integer"),
    ...bounds,
    step: z
      .int()
      .exactOptional()
      .describe("Distance of the values, counted from `low`; 1 unless said. Not with `log`."),
  }),
  z.strictObject({
    kind: z.literal("choice"),
    choices: z
      .array(z.union([z.number(), z.string().max(2_000)]))
      .min(1)
      .max(100)
      .describe("The values that are tried."),
  }),
]);

/** The dimension that is no parameter of the trainer: a choice of what a candidate's `features` may be. */
export const FEATURES_DIMENSION = "features";

/** By parameter name, or `features`. */
export const searchSpaceSchema = z.record(z.string().max(64), dimensionSchema);
export type SearchSpaceDeclaration = z.infer<typeof searchSpaceSchema>;

const withDefaults = <T extends z.ZodType>(schema: T) => schema.prefault({} as never);

/** How every candidate that has a `search` is searched; names and defaults are Optuna's. */
export const searchSchema = z.strictObject({
  sampler: z.enum(["tpe", "random", "grid"]).default("tpe").describe("How points are proposed."),
  tpe: withDefaults(
    z.strictObject({
      startupTrials: z.int().min(1).max(10_000).default(10).describe("Trials drawn at random at first."),
      eiCandidates: z
        .int()
        .min(1)
        .max(10_000)
        .default(24)
        .describe("Points drawn near good trials, of which the most promising is taken."),
    }),
  ).describe("Settings of the sampler tpe."),
  grid: withDefaults(
    z.strictObject({
      values: z.int().min(2).max(1_000).default(5).describe("Most values of one dimension."),
    }),
  ).describe("Settings of the sampler grid."),
  pruner: z
    .enum(["none", "median", "successiveHalving"])
    .default("median")
    .describe("Ends trials between two folds that are unlikely to win."),
  median: withDefaults(
    z.strictObject({
      startupTrials: z.int().min(1).max(10_000).default(5).describe("Complete trials before any is pruned."),
      warmupSteps: z.int().min(0).max(1_000).default(0).describe("Folds after which none is pruned."),
    }),
  ).describe("Settings of the pruner median."),
  successiveHalving: withDefaults(
    z.strictObject({
      reductionFactor: z.int().min(2).max(100).default(4).describe("One of this many goes on at each rung."),
    }),
  ).describe("Settings of the pruner successiveHalving."),
  budget: withDefaults(
    z.strictObject({
      trials: z
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe("Trials of a candidate; 50 unless a time is given."),
      time: durationSchema
        .optional()
        .describe("After this long no trial is started; how many there are then depends on the machine."),
    }),
  ).describe("When a search ends; with both, whichever comes first."),
  generation: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      "Trials that may run at once: trial n learns from trials 0 … n − generation, so the number of workers changes nothing.",
    ),
  seed: z.int().min(0).optional().describe("Of the proposals; default: split.seed."),
  objectives: z
    .array(z.string().max(64))
    .min(1)
    .max(4)
    .optional()
    .describe(
      "Metrics: the first chooses the winner; all decide who is on the Pareto front, what is searched for, and what is pruned. Default: the primary metric.",
    ),
});
export type SearchSettings = z.infer<typeof searchSchema>;

/** Trials of a candidate where the file names no budget. */
export const DEFAULT_TRIALS = 50;
/** Where only a time is given. */
export const MOST_TRIALS = 10_000;
