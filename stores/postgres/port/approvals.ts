import type { ApprovalPolicy } from "../../../schemas/pipeline/training.ts";
import type { AuditEntry } from "./actor.ts";

export interface ApprovalRow {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly digest: string;
  readonly model: string;
  readonly version: number;
  readonly workflowId: string;
  readonly requestedBy: string;
  readonly requesterAuthenticated: boolean;
  readonly policy: ApprovalPolicy;
  /** What the approver looks at: metrics, gates, champion comparison. */
  readonly evidence: unknown;
  readonly state: "waiting" | "approved" | "rejected" | "expired";
  readonly deadline: string;
  readonly decisions: readonly DecisionRow[];
  readonly createdAt: string;
  readonly decidedAt: string | null;
}

/** A row of a list: the evidence, up to hundreds of kilobytes, is in the approval itself. */
export type ListedApproval = Omit<ApprovalRow, "evidence">;

export interface DecisionRow {
  readonly decisionId: string;
  readonly decision: "approve" | "reject";
  readonly by: string;
  readonly authenticated: boolean;
  /** `policy`: nobody objected to a version inside its change envelope. */
  readonly channel: "api" | "cli" | "signal" | "console" | "policy";
  readonly reason: string;
  readonly at: string;
  /** Set by the store: the requester's own decision, which counts without keys only. */
  readonly selfApproved?: boolean;
}

export interface ApprovalStore {
  /** Idempotent on id. */
  open(
    a: Omit<ApprovalRow, "state" | "decisions" | "createdAt" | "decidedAt">,
    audit: AuditEntry,
  ): Promise<ApprovalRow>;
  get(id: string): Promise<ApprovalRow | undefined>;
  list(filter: { state?: ApprovalRow["state"]; limit: number }): Promise<ListedApproval[]>;
  /**
   * Records one decision. The same decisionId with the same content returns the first answer; a second decision
   * by the same person, a decision after the end or after the deadline, or with another digest throws `already_decided`;
   * the requester deciding with keys on throws `self_approval`, and without keys is recorded as `selfApproved`; one outside `approvers` throws `forbidden`.
   * First reject ends it; approvals end it at the quorum.
   */
  decide(
    id: string,
    digest: string,
    decision: Omit<DecisionRow, "at">,
    audit: AuditEntry,
  ): Promise<ApprovalRow>;
  /** Adds people who may decide and moves the deadline of a waiting approval, once: a second call changes nothing. */
  escalate(
    id: string,
    to: { approvers: readonly string[]; deadline: string },
    audit: AuditEntry,
  ): Promise<void>;
  /**
   * Approves at its deadline what a change envelope lets through and nobody objected to; no effect once decided. Whose approval
   * that rests on stands in the evidence, and is written into the decision.
   *
   * @throws {PlatformError} forbidden: the approval's policy does not approve by itself, or its evidence is not inside an envelope
   */
  approveByPolicy(id: string, audit: AuditEntry): Promise<ApprovalRow>;
  /** The newest that was given to promote a version. */
  givenFor(model: string, digest: string): Promise<ApprovalRow | undefined>;
  /** Closes a waiting approval at its deadline (expired or rejected); no effect once decided. */
  close(id: string, state: "expired" | "rejected", audit: AuditEntry): Promise<ApprovalRow>;
}
