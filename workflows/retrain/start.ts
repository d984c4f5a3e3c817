import { ParentClosePolicy, WorkflowIdReusePolicy, startChild } from "@temporalio/workflow";
import type { RetrainAsk, RetrainDue, RetrainInput } from "../../activities/retraining/messages.ts";
import { retrainWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { retraining } from "../activity-proxies.ts";
import { retrainWorkflow } from "./workflow.ts";

/**
 * Asks for a retrain, and starts it where it is due: the one way for drift, degradation, new labels, schedules and people.
 * However often it is asked for, there is one retrain per model and window, and one at a time.
 */
export async function startRetrain(ask: RetrainAsk): Promise<RetrainDue> {
  const due = await retraining.retrainDue(ask);
  if (due.isDue) await startRetrainOf({ model: ask.model, window: due.window, reason: ask.detail });
  return due;
}

/** Goes on by itself when its parent has ended. */
export async function startRetrainOf(input: RetrainInput): Promise<void> {
  const { model, window } = input;
  try {
    await startChild(retrainWorkflow, {
      workflowId: retrainWorkflowId(model, window),
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      taskQueue: TASK_QUEUES.control,
      staticSummary: `Retrain ${model} (${window})`,
      args: [input],
    });
  } catch (error) {
    // Already started for this window: that is the point of the id.
    if (!(error instanceof Error && error.name === "WorkflowExecutionAlreadyStartedError")) throw error;
  }
}
