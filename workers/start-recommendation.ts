import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import type { Client, WorkflowIdReusePolicy } from "@temporalio/client";
import { recommendationWorkflowId, TASK_QUEUES } from "../temporal-config/constants.ts";
import type { RecommendationInput } from "../workflows/recommendation/messages.ts";

export interface RecommendationStart {
  readonly input: RecommendationInput;
  /** Which of the asset's. */
  readonly n: number;
  readonly reuse: WorkflowIdReusePolicy;
}

/** @returns false: it was started already, and is left as it is */
export async function startRecommendation(
  client: Client,
  { input, n, reuse }: RecommendationStart,
): Promise<boolean> {
  const { id, model, asset } = input;
  try {
    await client.workflow.start("recommendationWorkflow", {
      workflowId: recommendationWorkflowId(id),
      taskQueue: TASK_QUEUES.control,
      args: [input],
      workflowIdReusePolicy: reuse,
      staticSummary: `Maintenance of ${asset} (${model}, ${n})`.slice(0, 190),
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}
