import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { AdoptExternalResult } from "../../activities/external/messages.ts";
import type { PipelineInput, RunPlan } from "../../activities/runs/messages.ts";
import type { TrainFoldResult } from "../../activities/training/messages.ts";
import type { ExternalRequest } from "../../schemas/external-trainer.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { EXTERNAL_TIMEOUTS, RETRY } from "../../temporal-config/constants.ts";
import { external } from "../activity-proxies.ts";

/** What a trainer elsewhere serves; its answer is read on our side, before anything is done with it. */
interface ExternalTrainer {
  trainModel(request: ExternalRequest): Promise<unknown>;
}

interface FoldJob {
  readonly spec: ObjectRef;
  readonly split: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly candidate: string;
  readonly repeat: number;
  readonly fold: number;
}

/** A worker that is not there is told of after minutes, and not waited for as one of ours would be. */
function trainerOn(taskQueue: string): ExternalTrainer {
  return proxyActivities<ExternalTrainer>({
    ...EXTERNAL_TIMEOUTS,
    retry: { ...RETRY.work, maximumAttempts: 5 },
    taskQueue,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** One fold of a candidate whose trainer is on another task queue: rows out, graph back, judged here. */
export async function trainExternalFold(
  plan: RunPlan,
  input: Pick<PipelineInput, "model">,
  { taskQueue, ...job }: FoldJob & { readonly taskQueue: string },
): Promise<TrainFoldResult> {
  const { runId } = plan;
  const { repeat, fold, ...common } = job;
  const { request } = await external.prepareExternal({
    ...common,
    runId,
    model: input.model,
    fold: { repeat, fold },
    selection: null,
  });
  const result = await trainerOn(taskQueue).trainModel(request);
  return external.scoreExternalFold({ ...job, runId, result });
}

/** The final training, with the rounds that cross-validation found. */
export async function trainExternalFinal(
  plan: RunPlan,
  input: Pick<PipelineInput, "model">,
  given: Omit<FoldJob, "repeat" | "fold"> & { readonly taskQueue: string; readonly selection: ObjectRef },
): Promise<AdoptExternalResult> {
  const { taskQueue, ...job } = given;
  const { runId } = plan;
  const { request } = await external.prepareExternal({ ...job, runId, model: input.model, fold: null });
  const result = await trainerOn(taskQueue).trainModel(request);
  return external.adoptExternal({ runId, spec: job.spec, featureSet: job.featureSet, result });
}
