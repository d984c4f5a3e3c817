import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { DEFAULT_TRIALS, MOST_TRIALS, searchSchema } from "../../schemas/pipeline/search.ts";

/** Says of a search that it ends before TPE has seen enough to propose anything: it is random search then. */
export function searchNotes({ candidates, search = searchSchema.parse({}) }: Pipeline): readonly string[] {
  const { sampler, tpe, generation, budget } = search;
  if (sampler !== "tpe" || !candidates.some((candidate) => candidate.search !== undefined)) return [];
  // A trial sees those that came `generation` trials before it.
  const nRandom = tpe.startupTrials + generation - 1;
  const trials = budget.trials ?? (budget.time === undefined ? DEFAULT_TRIALS : MOST_TRIALS);
  if (trials > nRandom) return [];
  return [
    `search.budget.trials: all ${trials} trials are drawn at random: with tpe.startupTrials ${tpe.startupTrials} and generation ${generation} the first ${nRandom} are; more trials, or a smaller tpe.startupTrials, let TPE use what it finds`,
  ];
}
