import { ParentClosePolicy, WorkflowIdReusePolicy, executeChild } from "@temporalio/workflow";
import { approveWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { monitoring, reviews } from "../activity-proxies.ts";
import type { ApprovalInput, ApprovalResult } from "../approval/messages.ts";
import { approvalWorkflow } from "../approval/workflow.ts";
import { show } from "../visibility.ts";

/**
 * The review of a rollback that nobody approved: it has taken effect, and somebody else says afterwards whether it was right. The
 * alert on it stands until then; that nobody reviewed it in time, or that somebody found it wrong, is another one.
 *
 * **Messages**: none; the decision goes to the child `approve/review/…`. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function reviewWorkflow(input: ApprovalInput): Promise<ApprovalResult> {
  const { approvalId, digest, subject, model, version } = input;
  show({ stage: "review", model, version: String(version) }, `Waiting for the review: ${subject}`);
  // The version that is back is watched as its own pipeline file says; the rollback itself had no time for that.
  await monitoring.ensureMonitoring({ model });
  const result = await executeChild(approvalWorkflow, {
    workflowId: approveWorkflowId("review", approvalId, digest),
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    taskQueue: TASK_QUEUES.control,
    staticSummary: `Review: ${subject}`.slice(0, 190),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    args: [input],
  });
  const { outcome, decidedBy } = result;
  await reviews.closeReview({ reviewId: approvalId, model, subject, outcome, decidedBy });
  show({ stage: `review:${outcome}` }, `**${outcome}** — ${subject}`);
  return result;
}
