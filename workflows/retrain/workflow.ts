import { WorkflowIdReusePolicy, executeChild } from "@temporalio/workflow";
import type { PrepareRetrainInput } from "../../activities/monitoring/messages.ts";
import type { PipelineResult } from "../../activities/runs/messages.ts";
import { pipelineWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { monitoring } from "../activity-proxies.ts";
import { pipelineWorkflow } from "../pipeline/workflow.ts";
import { show } from "../visibility.ts";

/**
 * One retrain per model and window: the newest files of the pipeline through the whole pipeline, up to its approval.
 *
 * **Messages**: none; the decision goes to the approval child of the pipeline run. **Versioning**: patched().
 */
export async function retrainWorkflow(input: PrepareRetrainInput): Promise<PipelineResult> {
  show({ stage: "retrain", model: input.model }, `Retraining **${input.model}**: ${input.reason}`);
  const { pipelineInput, inputHash } = await monitoring.prepareRetrain(input);
  return executeChild(pipelineWorkflow, {
    workflowId: pipelineWorkflowId(pipelineInput.pipeline, inputHash),
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    taskQueue: TASK_QUEUES.control,
    staticSummary: `Retrain ${input.model}: ${input.reason}`.slice(0, 190),
    args: [pipelineInput],
  });
}
