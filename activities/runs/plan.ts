import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { rolloutPlan } from "../../schemas/pipeline/rollout.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { trainedCandidates } from "../candidates.ts";
import type { RunPlan } from "./messages.ts";

/** What the workflow needs to know of a pipeline file to order its steps. */
export function runPlan(pipeline: Pipeline, runId: string): RunPlan {
  return {
    runId,
    candidates: trainedCandidates(pipeline).map(({ name, candidate }) => ({
      name,
      kind: candidate.kind,
      ...(candidate.taskQueue === undefined ? {} : { taskQueue: candidate.taskQueue }),
    })),
    searches: trainedCandidates(pipeline).flatMap(({ name, candidate }) =>
      candidate.search === undefined ? [] : [name],
    ),
    repeats: pipeline.split.repeats,
    folds: pipeline.split.folds,
    approval: pipeline.approval,
    approvalDeadlineMs: durationMs(pipeline.approval.deadline),
    approvalReminderMs: durationMs(pipeline.approval.reminder),
    ...(pipeline.rollout === undefined
      ? {}
      : { rollout: rolloutPlan(pipeline.rollout, pipeline.approval.allowDirectSignals) }),
  };
}
