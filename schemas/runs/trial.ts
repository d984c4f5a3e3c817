import { z } from "zod";
import { nameSchema } from "../names.ts";
import { metricSetSchema } from "../models/model-version.ts";
import { objectRefSchema } from "../object-ref.ts";

/** `pruned`: ended between two folds; `failed`: these parameters cannot be trained on these data. */
export const trialStateSchema = z.enum(["complete", "pruned", "failed"]);
export type TrialState = z.infer<typeof trialStateSchema>;

/** One value per searched parameter. */
export const trialParametersSchema = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

/** One fold of a trial. */
export const trialFoldSchema = z.strictObject({
  repeat: z.int(),
  fold: z.int(),
  /** First objective over this fold and those before it: what the pruner saw; null where it is undefined. */
  value: z.number().nullable(),
  /** The same for all objectives in order, where there are several. */
  values: z.array(z.number().nullable()).exactOptional(),
  /** Boosting rounds that early stopping kept; null for other kinds. */
  rounds: z.number().nullable(),
  /** Out-of-fold rows and, as `history`, the learning curve. */
  rows: objectRefSchema,
});
export type TrialFold = z.infer<typeof trialFoldSchema>;

/** One training with one set of hyperparameters, as stored and as the API gives it. */
export const trialViewSchema = z.strictObject({
  candidate: nameSchema,
  number: z.int(),
  state: trialStateSchema,
  parameters: trialParametersSchema,
  /** Value of each objective, in order; empty for a failed trial. */
  objectives: z.array(z.strictObject({ metric: z.string(), value: z.number(), loss: z.number() })),
  /** What the sampler minimised; null for a failed trial. */
  loss: z.number().nullable(),
  metrics: metricSetSchema,
  folds: z.array(trialFoldSchema),
  seconds: z.number(),
  seed: z.int(),
  /** Why it failed. */
  message: z.string().exactOptional(),
});
export type TrialView = z.infer<typeof trialViewSchema>;

/** What a search came to. */
export const searchViewSchema = z.strictObject({
  candidate: nameSchema,
  trials: z.int(),
  complete: z.int(),
  pruned: z.int(),
  failed: z.int(),
  /** Training time of all trials together. */
  seconds: z.number(),
  /** From the start of the first trial to the end of the last. */
  wallSeconds: z.number(),
  /** Number of the best complete trial; null while there is none. */
  best: z.int().nullable(),
  /** Complete trials that no other beats in every objective, by number. */
  pareto: z.array(z.int()),
  /** Share of the first objective's variance that each parameter explains by itself; empty for few trials. */
  importance: z.array(z.strictObject({ parameter: z.string(), share: z.number() })),
});
export type SearchView = z.infer<typeof searchViewSchema>;

/** Reply of `GET /v1/runs/{id}/trials`. */
export const trialListSchema = z.strictObject({
  items: z.array(trialViewSchema),
  searches: z.array(searchViewSchema),
});
export type TrialList = z.infer<typeof trialListSchema>;

/** Learning curves of one trial: the validation figure after each round, by fold. */
export const trialCurvesSchema = z.strictObject({
  candidate: nameSchema,
  number: z.int(),
  folds: z.array(z.strictObject({ repeat: z.int(), fold: z.int(), history: z.array(z.number().nullable()) })),
});
export type TrialCurves = z.infer<typeof trialCurvesSchema>;
