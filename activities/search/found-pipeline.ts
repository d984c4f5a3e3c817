import { pipelineSchema } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { candidateName } from "../candidates.ts";
import { bestTrial } from "./best-trial.ts";
import type { ChooseTrialsResult } from "./messages.ts";
import { withPoint } from "./plan.ts";

/** What the searches of a run came to: the pipeline file with the best parameters, and nothing left to search. */
export interface FoundPipeline {
  readonly found: Pipeline;
  readonly chosen: ChooseTrialsResult["chosen"];
}

/**
 * A function of the recorded trials alone, so that a reproduction finds what the run found.
 *
 * @throws {PlatformError} not_enough_data: not one trial of a candidate could be trained
 */
export async function foundPipeline(
  trials: Pick<Database["trials"], "list">,
  given: { readonly runId: string; readonly pipeline: Pipeline; readonly candidates: readonly string[] },
): Promise<FoundPipeline> {
  const { runId, pipeline, candidates } = given;
  const best = await Promise.all(
    candidates.map(async (candidate) => {
      const known = await trials.list(runId, candidate);
      return { trials: known.length, ...requireBest(candidate, known) };
    }),
  );
  const points = new Map(best.map(({ candidate, parameters }) => [candidate, parameters]));
  return {
    found: withPoints(pipeline, points),
    chosen: best.map(({ candidate, number, trials: count }) => ({ candidate, number, trials: count })),
  };
}

function requireBest(candidate: string, trials: readonly TrialView[]): TrialView {
  const best = bestTrial(trials);
  if (best !== undefined) return best;
  const why = trials.find((trial) => trial.message !== undefined)?.message ?? "no reason is recorded";
  throw new PlatformError(
    "not_enough_data",
    `search ${candidate}: none of ${trials.length} trials could be trained [${why}]`,
  );
}

/** The file with what was found as fixed parameters; every candidate keeps its place, and so its name. */
function withPoints(pipeline: Pipeline, points: ReadonlyMap<string, TrialView["parameters"]>): Pipeline {
  const { search: _settings, ...rest } = pipeline;
  return pipelineSchema.parse({
    ...rest,
    candidates: pipeline.candidates.map(({ search: _space, ...candidate }, i) =>
      withPoint(candidate, points.get(candidateName(candidate, i)) ?? {}),
    ),
  });
}
