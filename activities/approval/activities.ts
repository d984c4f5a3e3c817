import { z } from "zod";
import { PlatformError, isPlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { ApprovalRow, Database } from "../../stores/postgres/port.ts";
import { activityInfo } from "@temporalio/activity";
import { activityKey, systemAudit } from "../audit.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { ApprovalSnapshot, DirectDecision, OpenApprovalInput } from "./messages.ts";

export interface ApprovalActivityDeps {
  readonly db: Database;
  readonly objects: ObjectStore;
}

const snapshot = (row: ApprovalRow): ApprovalSnapshot => ({
  state: row.state,
  decisions: row.decisions.map(({ by, decision }) => ({ by, decision })),
});

/** The recorded side of an approval. All rules about who may decide live in `ApprovalStore.decide`. */
export function createApprovalActivities({ db, objects }: ApprovalActivityDeps) {
  return {
    /** **Effects**: the approval row and its audit row. **Idempotency**: approval id. **Retry**: dependency. */
    async openApproval(input: OpenApprovalInput): Promise<ApprovalSnapshot> {
      const { approvalId, evidence, ...rest } = input;
      const { workflowExecution } = activityInfo();
      if (workflowExecution === undefined) throw new Error("openApproval runs inside a workflow only");
      const row = await db.approvals.open(
        {
          ...rest,
          requesterAuthenticated: input.requesterAuthenticated ?? false,
          id: approvalId,
          workflowId: workflowExecution.workflowId,
          evidence: await getDocument(objects, evidence, z.unknown()),
        },
        systemAudit("approval.open", `approval/${approvalId}`, {
          subject: input.subject,
          digest: input.digest,
          requestedBy: input.requestedBy,
          requesterAuthenticated: input.requesterAuthenticated ?? false,
        }),
      );
      return snapshot(row);
    },

    async readApproval({ approvalId }: { approvalId: string }): Promise<ApprovalSnapshot> {
      const row = await db.approvals.get(approvalId);
      if (row === undefined)
        throw new PlatformError("not_found", `read approval [${approvalId}]: no such row`);
      return snapshot(row);
    },

    /**
     * Applies a decision sent straight to Temporal. Without keys it counts, recorded as unauthenticated; with keys
     * only where the approval's policy allows direct signals, else it is audited as refused and changes nothing.
     *
     * **Effects**: decision row, audit row. **Idempotency**: decision id. **Errors**: already_decided, forbidden,
     * self_approval.
     */
    async applyDirectDecision(input: DirectDecision): Promise<ApprovalSnapshot> {
      const row = await db.approvals.get(input.approvalId);
      if (row === undefined)
        throw new PlatformError("not_found", `decide [${input.approvalId}]: no such approval`);
      const actor = { id: input.by, role: "approver", authenticated: false } as const;
      const audit = {
        actor,
        action: "approval.decide",
        subject: `approval/${input.approvalId}`,
        outcome: "ok",
      } as const;
      if ((await db.keys.isEnabled()) && !row.policy.allowDirectSignals) {
        const reason = "direct signals are off while keys are on";
        await db.audit.append({ ...audit, outcome: "refused", reason, key: activityKey() });
        throw new PlatformError("forbidden", `decide [${input.approvalId}]: ${reason}`);
      }
      const { decisionId, decision, by, reason } = input;
      try {
        const decided = await db.approvals.decide(
          input.approvalId,
          input.digest,
          { decisionId, decision, by, reason, authenticated: false, channel: "signal" },
          { ...audit, details: { decision, digest: input.digest, channel: "signal" } },
        );
        return snapshot(decided);
      } catch (error) {
        if (isPlatformError(error) && !error.isRetryable) {
          await db.audit.append({ ...audit, outcome: "refused", reason: error.message, key: activityKey() });
        }
        throw error;
      }
    },

    /** Reminders are audit rows here; a notification channel is a later issue. */
    async remindApprovers({ approvalId, deadline }: { approvalId: string; deadline: string }): Promise<void> {
      const audit = systemAudit("approval.remind", `approval/${approvalId}`, { deadline });
      await db.audit.append({ ...audit, key: activityKey() });
    },

    /** From now on the people of `to` may decide as well, until the new deadline. **Idempotency**: same row. */
    async escalateApproval(input: {
      approvalId: string;
      to: readonly string[];
      deadline: string;
    }): Promise<void> {
      const { approvalId, to, deadline } = input;
      await db.approvals.escalate(
        approvalId,
        { approvers: to, deadline },
        systemAudit("approval.escalate", `approval/${approvalId}`, { to, deadline }),
      );
    },

    /**
     * Nobody objected to a version inside its change envelope: its policy approves.
     *
     * **Effects**: decision row, audit row. **Idempotency**: no effect once decided. **Errors**: forbidden.
     */
    async approveByPolicy({ approvalId }: { approvalId: string }): Promise<ApprovalSnapshot> {
      const audit = systemAudit("approval.policy", `approval/${approvalId}`);
      return snapshot(await db.approvals.approveByPolicy(approvalId, audit));
    },

    /** **Idempotency**: no effect once decided; the returned state is what stands. */
    async closeApproval(input: {
      approvalId: string;
      state: "expired" | "rejected";
    }): Promise<ApprovalSnapshot> {
      const row = await db.approvals.close(
        input.approvalId,
        input.state,
        systemAudit("approval.close", `approval/${input.approvalId}`, { state: input.state }),
      );
      return snapshot(row);
    },
  };
}
