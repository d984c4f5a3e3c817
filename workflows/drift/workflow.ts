import { defineSearchAttributeKey } from "@temporalio/common";
import { ParentClosePolicy, WorkflowIdReusePolicy, startChild, workflowInfo } from "@temporalio/workflow";
import { retrainWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import type { DriftCheckResult } from "../../activities/monitoring/messages.ts";
import { monitoring } from "../activity-proxies.ts";
import { retrainWorkflow } from "../retrain/workflow.ts";
import { show } from "../visibility.ts";

export interface DriftInput {
  readonly model: string;
}

/**
 * One scheduled look at what the champion was asked and answered, against the reference frozen at training.
 * Confirmed drift starts one retrain per window, however often it is found.
 *
 * **Messages**: none. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function driftWorkflow(input: DriftInput): Promise<DriftCheckResult> {
  const { model } = input;
  show({ stage: "drift", model }, `Checking **${model}** for drift`);
  const result = await monitoring.checkDrift({ model, windowEnd: logicalTime() });
  show({ stage: `drift:${result.state}` }, `**${model}**: ${result.detail}`);
  if (result.retrainWindow !== undefined) await startRetrain(model, result.retrainWindow, result.detail);
  return result;
}

/** The schedule's own time where a schedule started this, so that a late or retried check looks at the same window. */
function logicalTime(): string {
  const key = defineSearchAttributeKey("TemporalScheduledStartTime", "DATETIME");
  const scheduled = workflowInfo().typedSearchAttributes.get(key);
  return (scheduled ?? workflowInfo().startTime).toISOString();
}

async function startRetrain(model: string, window: string, reason: string): Promise<void> {
  try {
    await startChild(retrainWorkflow, {
      workflowId: retrainWorkflowId(model, window),
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      taskQueue: TASK_QUEUES.control,
      staticSummary: `Retrain ${model} (${window})`,
      args: [{ model, window, reason }],
    });
  } catch (error) {
    // Already started for this window: that is the point of the id.
    if (!(error instanceof Error && error.name === "WorkflowExecutionAlreadyStartedError")) throw error;
  }
}
