import { withFailures } from "../../activities/failures.ts";
import type {
  ApprovalSnapshot,
  DirectDecision,
  OpenApprovalInput,
} from "../../activities/approval/messages.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { DecisionRow } from "../../stores/postgres/port.ts";
import { checkDecision, stateAfter } from "../../stores/postgres/repositories/registry/decision-rules.ts";

/** Row of one approval, as far as the workflow can tell. */
interface FakeRow {
  readonly input: OpenApprovalInput;
  state: ApprovalSnapshot["state"];
  decisions: DecisionRow[];
  escalatedTo: readonly string[];
}

const AT = "2026-01-01T00:00:00.000Z";

/** The approval activities over memory, under the stores' own rules of who may decide what. */
export class FakeApprovals {
  readonly rows = new Map<string, FakeRow>();
  /** What happened besides decisions, in order: `remind a`, `escalate a to eve`, `refuse a: …`. */
  readonly events: string[] = [];
  /** Looks at the row by the workflow itself. */
  nReads = 0;

  readonly activities = withFailures({
    openApproval: async (input: OpenApprovalInput): Promise<ApprovalSnapshot> => {
      const known = this.rows.get(input.approvalId);
      const row = known ?? { input, state: "waiting", decisions: [], escalatedTo: [] };
      this.rows.set(input.approvalId, row);
      return snapshot(row);
    },
    readApproval: async ({ approvalId }: { approvalId: string }): Promise<ApprovalSnapshot> => {
      this.nReads += 1;
      return snapshot(this.row(approvalId));
    },
    applyDirectDecision: async (given: DirectDecision): Promise<ApprovalSnapshot> => {
      try {
        return this.decide(given);
      } catch (error) {
        this.events.push(`refuse ${given.approvalId}: ${error instanceof Error ? error.message : ""}`);
        throw error;
      }
    },
    remindApprovers: async ({ approvalId }: { approvalId: string }): Promise<void> => {
      this.events.push(`remind ${approvalId}`);
    },
    escalateApproval: async (input: { approvalId: string; to: readonly string[] }): Promise<void> => {
      this.row(input.approvalId).escalatedTo = input.to;
      this.events.push(`escalate ${input.approvalId} to ${input.to.join(", ")}`);
    },
    closeApproval: async (input: {
      approvalId: string;
      state: "expired" | "rejected";
    }): Promise<ApprovalSnapshot> => {
      const row = this.row(input.approvalId);
      if (row.state === "waiting") row.state = input.state;
      return snapshot(row);
    },
  });

  row(approvalId: string): FakeRow {
    const row = this.rows.get(approvalId);
    if (row === undefined) throw new PlatformError("not_found", `approval [${approvalId}]: there is none`);
    return row;
  }

  /** What the API does; direct decisions end here too. */
  decide({ approvalId, digest, ...given }: DirectDecision): ApprovalSnapshot {
    const row = this.row(approvalId);
    const decision = { ...given, authenticated: false, channel: "signal" } as const;
    const approval = {
      requesterAuthenticated: false,
      ...row.input,
      ...row,
      id: approvalId,
      workflowId: "",
      createdAt: AT,
      decidedAt: null,
    };
    const verdict = checkDecision({
      approval,
      digest,
      decision,
      isLate: false,
      escalatedTo: row.escalatedTo,
      hasKeys: false,
    });
    if (verdict === "repeated") return snapshot(row);
    row.state = stateAfter(approval, decision.decision);
    row.decisions.push({ ...decision, at: AT });
    return snapshot(row);
  }
}

function snapshot({ state, decisions }: FakeRow): ApprovalSnapshot {
  return { state, decisions: decisions.map(({ by, decision }) => ({ by, decision })) };
}
