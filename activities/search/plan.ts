import { z } from "zod";
import { countGrid, SAMPLER_DEFAULTS } from "../../numerics/search/sampler.ts";
import type { SamplerSettings } from "../../numerics/search/sampler.ts";
import { PRUNER_DEFAULTS } from "../../numerics/search/pruner.ts";
import type { PrunerSettings } from "../../numerics/search/pruner.ts";
import type { Point } from "../../numerics/search/space.ts";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import { pipelineSchema } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import {
  DEFAULT_TRIALS,
  FEATURES_DIMENSION,
  MOST_TRIALS,
  searchSchema,
} from "../../schemas/pipeline/search.ts";
import type { SearchSettings, SearchSpaceDeclaration } from "../../schemas/pipeline/search.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { candidateName } from "../candidates.ts";

/** All that the trials of one candidate depend on, but their number: the budget is not part of it. */
export const searchPlanSchema = z.strictObject({
  kind: z.literal("aura.search-plan/1"),
  candidate: z.string(),
  /** A pipeline file of this candidate alone. */
  spec: objectRefSchema,
  split: objectRefSchema,
  /** In the order in which a trial takes them. */
  folds: z.array(z.strictObject({ repeat: z.int(), fold: z.int(), featureSet: objectRefSchema })).min(1),
});
export type SearchPlan = z.infer<typeof searchPlanSchema>;

/** How long a search goes on. */
export interface SearchBudget {
  readonly trials: number;
  readonly timeMs: number | null;
  readonly generation: number;
}

export function searchSettingsOf(pipeline: Pipeline): SearchSettings {
  return pipeline.search ?? searchSchema.parse({});
}

export interface SearchedCandidate extends Candidate {
  readonly search: SearchSpaceDeclaration;
}

/** @throws {PlatformError} not_found: no such candidate, or one without a `search` */
export function searchedCandidate(pipeline: Pipeline, name: string): SearchedCandidate {
  const candidate = pipeline.candidates.find((c, i) => candidateName(c, i) === name);
  if (candidate?.search === undefined)
    throw new PlatformError("not_found", `search candidate [${name}]: the pipeline file does not search it`);
  return { ...candidate, search: candidate.search };
}

/**
 * What stays the same for a trial whatever else the file says: other candidates, the budget, gates and people are left
 * out, so that a search that is asked for more trials goes on where it was.
 */
export function trialPipeline(pipeline: Pipeline, name: string): Pipeline {
  const candidate = searchedCandidate(pipeline, name);
  const settings = searchSettingsOf(pipeline);
  return pipelineSchema.parse({
    ...pipeline,
    gates: [],
    approval: {},
    monitoring: {},
    retraining: {},
    candidates: [{ ...candidate, name }],
    search: { ...settings, seed: settings.seed ?? pipeline.split.seed, budget: {} },
  });
}

/** A candidate with what a search found: parameters, and the features it sees. */
export function withPoint(candidate: Candidate, point: Point): Candidate {
  const { [FEATURES_DIMENSION]: features, ...params } = point;
  return {
    ...candidate,
    ...(features === undefined ? {} : { features: String(features) }),
    params: { ...candidate.params, ...params },
  };
}

export function budgetOf(pipeline: Pipeline, name: string): SearchBudget {
  const { search } = searchedCandidate(pipeline, name);
  const settings = searchSettingsOf(pipeline);
  const { trials, time } = settings.budget;
  const isGrid = settings.sampler === "grid";
  // A grid ends by itself.
  const most = trials ?? (time === undefined && !isGrid ? DEFAULT_TRIALS : MOST_TRIALS);
  const size = isGrid ? countGrid(search, settings.grid.values) : most;
  return {
    trials: Math.min(most, size),
    timeMs: time === undefined ? null : durationMs(time),
    generation: settings.generation,
  };
}

export function samplerOf({ sampler, tpe, grid, generation, seed }: SearchSettings): SamplerSettings {
  return {
    ...SAMPLER_DEFAULTS,
    sampler,
    width: generation,
    seed: seed ?? SAMPLER_DEFAULTS.seed,
    startupTrials: tpe.startupTrials,
    candidates: tpe.eiCandidates,
    gridValues: grid.values,
  };
}

export function prunerOf({ pruner, median, successiveHalving }: SearchSettings): PrunerSettings {
  return { ...PRUNER_DEFAULTS, pruner, ...median, ...successiveHalving };
}
