import {
  ActivityCancellationType,
  ActivityFailure,
  TimeoutFailure,
  isCancellation,
  proxyActivities,
} from "@temporalio/workflow";
import type { AdoptExternalResult, TrainerAnswer } from "../../activities/external/messages.ts";
import type { PipelineInput, RunPlan } from "../../activities/runs/messages.ts";
import type { TrainFoldInput, TrainFoldResult } from "../../activities/training/messages.ts";
import type { ExternalRequest } from "../../schemas/runs/external-trainer.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { EXTERNAL_TIMEOUTS, RETRY } from "../../temporal-config/constants.ts";
import { external } from "../activity-proxies.ts";

/** What a trainer elsewhere serves; its answer is read on our side, before anything is done with it. */
interface ExternalTrainer {
  trainModel(request: ExternalRequest): Promise<unknown>;
}

type FoldJob = Omit<TrainFoldInput, "runId">;

/** A worker that is not there is told of after minutes, and not waited for as one of ours would be. */
function trainerOn(taskQueue: string): ExternalTrainer {
  return proxyActivities<ExternalTrainer>({
    ...EXTERNAL_TIMEOUTS,
    retry: { ...RETRY.work, maximumAttempts: 5 },
    taskQueue,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

const MAX_MESSAGE = 1_000;

/** How it ended is told to the activity that reads the answer, so that its errors are ours and not of any type there is. */
async function askTrainer(taskQueue: string, request: ExternalRequest): Promise<TrainerAnswer> {
  try {
    return { answer: await trainerOn(taskQueue).trainModel(request) };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    const isNobodyThere = cause instanceof TimeoutFailure && cause.timeoutType === "SCHEDULE_TO_START";
    const said = (cause?.message ?? error.message).slice(0, MAX_MESSAGE);
    const message = isNobodyThere
      ? `train candidate [${request.candidate}]: no worker took it from the task queue ${taskQueue} within ${EXTERNAL_TIMEOUTS.scheduleToStartTimeout}`
      : `train candidate [${request.candidate}] on ${taskQueue}: ${said}`;
    return { failure: { kind: "aura.external.failure/1", isNobodyThere, message } };
  }
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
  const result = await askTrainer(taskQueue, request);
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
  const result = await askTrainer(taskQueue, request);
  return external.adoptExternal({ runId, spec: job.spec, featureSet: job.featureSet, result });
}
