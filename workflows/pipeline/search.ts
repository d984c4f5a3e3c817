import { ParentClosePolicy, WorkflowIdReusePolicy, executeChild } from "@temporalio/workflow";
import type { PipelineInput, RunPlan } from "../../activities/runs/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { searchWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { search } from "../activity-proxies.ts";
import { searchWorkflow } from "../search/workflow.ts";
import type { SearchResult } from "../search/messages.ts";
import { featureSetOf } from "./training.ts";
import type { Prepared } from "./training.ts";

export interface Searched {
  /** The pipeline file with the parameters that were found; the run's own where nothing is searched. */
  readonly spec: ObjectRef;
  /** Trials of all searches. */
  readonly nTrials: number;
  /** Whether time ended a search: then another run of the same file may have more trials or fewer. */
  readonly isTimed: boolean;
}

/**
 * Searches the candidates that ask for it, one after the other: the trials of one already fill the workers. The folds
 * are those of cross-validation, each with its own fitted features.
 */
export async function searchCandidates(
  plan: RunPlan,
  input: Pick<PipelineInput, "spec" | "model" | "pipeline">,
  prepared: Prepared,
): Promise<Searched> {
  const { searches = [], runId } = plan;
  if (searches.length === 0) return { spec: input.spec, nTrials: 0, isTimed: false };
  const folds = prepared.fit.folds.flatMap((fitted, repeat) =>
    fitted.map((state, fold) => ({ repeat, fold, featureSet: featureSetOf(prepared, state) })),
  );
  let nTrials = 0;
  let isTimed = false;
  for (const candidate of searches) {
    const { spec } = input;
    const planned = await search.planSearch({ runId, spec, split: prepared.split.split, candidate, folds });
    const result: SearchResult = await executeChild(searchWorkflow, {
      workflowId: searchWorkflowId(runId, candidate),
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      taskQueue: TASK_QUEUES.control,
      staticSummary: `Search ${candidate} of ${input.model}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      args: [{ ...planned, runId, pipeline: input.pipeline, model: input.model }],
    });
    const nOwn = result.complete + result.pruned + result.failed;
    nTrials += nOwn;
    isTimed ||= planned.timeMs !== null && nOwn < planned.trials;
  }
  const { spec } = await search.chooseTrials({ runId, spec: input.spec, candidates: searches });
  return { spec, nTrials, isTimed };
}
