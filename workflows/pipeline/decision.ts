import { ParentClosePolicy, WorkflowIdReusePolicy, executeChild, workflowInfo } from "@temporalio/workflow";
import type { GateOutcome, PromoteResult, RegisterResult } from "../../activities/registry/messages.ts";
import type { PipelineInput, RunPlan } from "../../activities/runs/messages.ts";
import {
  approveWorkflowId,
  promoteWorkflowId,
  rolloutWorkflowId,
  TASK_QUEUES,
} from "../../temporal-config/constants.ts";
import { runs } from "../activity-proxies.ts";
import type { ApprovalInput, ApprovalResult } from "../approval/messages.ts";
import { approvalWorkflow } from "../approval/workflow.ts";
import { causeOf } from "../failure-cause.ts";
import { promotionWorkflow } from "../promotion/workflow.ts";
import type { RolloutResult } from "../rollout/messages.ts";
import { rolloutWorkflow } from "../rollout/workflow.ts";
import { show } from "../visibility.ts";

/** Asks people about one registered version; the answer binds to its digest. */
export async function askForApproval(
  plan: RunPlan,
  input: PipelineInput,
  given: { readonly version: RegisterResult; readonly gate: GateOutcome },
): Promise<ApprovalResult> {
  const { version, gate } = given;
  const { policy, deadlineMs, reminderMs } = gate.approval ?? {
    policy: plan.approval,
    deadlineMs: plan.approvalDeadlineMs,
    reminderMs: plan.approvalReminderMs,
  };
  const subject = `${input.model}@${version.version}`;
  // The run is part of the id: a later run that yields the same digest asks anew and is not answered by the past.
  const approvalId = `${input.model}.${version.version}.${plan.runId.slice(0, 8)}`;
  const workflowId = approveWorkflowId("promotion", approvalId, version.digest);
  await runs.updateRun({ runId: plan.runId, approvalId, waiting: true });
  show(
    { approval: approvalId, version: String(version.version) },
    waitingText(subject, workflowId, { policy, deadlineMs }),
  );
  const result = await executeChild(approvalWorkflow, {
    workflowId,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    taskQueue: TASK_QUEUES.control,
    staticSummary: `Approve ${subject}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    args: [
      {
        approvalId,
        kind: "promotion",
        subject,
        model: input.model,
        version: version.version,
        digest: version.digest,
        requestedBy: input.requestedBy.id,
        requesterAuthenticated: input.requestedBy.authenticated,
        policy,
        deadlineMs,
        reminderMs,
        evidence: gate.evidence,
        ...(gate.summary === undefined ? {} : { summary: gate.summary }),
      },
    ],
  });
  await runs.updateRun({ runId: plan.runId, waiting: false });
  show({ approval: null });
  return result;
}

/** The run's own page says all that the approval's page says, so that nobody has to know of the child. */
function waitingText(
  subject: string,
  workflowId: string,
  { policy, deadlineMs }: Pick<ApprovalInput, "policy" | "deadlineMs">,
): string {
  const { approvers, quorum, onDeadline } = policy;
  const from = approvers.length === 0 ? "any approver" : approvers.join(", ");
  const until = new Date(Date.now() + deadlineMs).toISOString();
  return (
    `**Waiting for approval** of ${subject}\n\n- from: ${from} (quorum ${quorum})\n` +
    `- until: ${until}, then: ${onDeadline}\n- decide in: \`${workflowId}\``
  );
}

/** Lets the version take over in stages, in a workflow of its own that promotes it at its end. */
export async function rollOut(
  plan: RunPlan & Required<Pick<RunPlan, "rollout">>,
  input: PipelineInput,
  { version, approval }: { readonly version: RegisterResult; readonly approval: ApprovalResult },
): Promise<RolloutResult> {
  const { model, requestedBy } = input;
  // As the approval's: a later run that yields the same digest rolls out anew.
  const rolloutId = `${model}.${version.version}.${plan.runId.slice(0, 8)}`;
  return executeChild(rolloutWorkflow, {
    workflowId: rolloutWorkflowId(rolloutId),
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    taskQueue: TASK_QUEUES.control,
    staticSummary: `Roll out ${model}@${version.version}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    args: [
      {
        rolloutId,
        model,
        version: version.version,
        digest: version.digest,
        approvalId: approval.approvalId,
        runId: plan.runId,
        plan: plan.rollout,
        requestedBy,
      },
    ],
  });
}

/**
 * Moves the champion alias, in a workflow of its own named by model and version.
 *
 * @returns `refused` where another version became champion while people decided: what they compared with is no more
 */
export async function promote(
  input: PipelineInput,
  version: RegisterResult,
  approval: ApprovalResult,
): Promise<PromoteResult | { readonly refused: string }> {
  try {
    return await executeChild(promotionWorkflow, {
      workflowId: promoteWorkflowId(input.model, version.version),
      // A rollback or a later approval may promote the same version again; the request id keeps each one single.
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      taskQueue: TASK_QUEUES.control,
      staticSummary: `Promote ${input.model}@${version.version}`,
      args: [
        {
          model: input.model,
          version: version.version,
          digest: version.digest,
          requestId: approval.approvalId,
          approvalId: approval.approvalId,
          reason: `approved by ${approval.decidedBy.join(", ")} in run ${workflowInfo().runId}`,
        },
      ],
    });
  } catch (error) {
    const { code, message } = causeOf(error);
    if (code === "conflict") return { refused: message };
    throw error;
  }
}
