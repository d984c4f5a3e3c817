import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ApprovalPolicy } from "../../schemas/pipeline/training.ts";

export interface OpenApprovalInput {
  readonly approvalId: string;
  readonly kind: string;
  readonly subject: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly requestedBy: string;
  /** Absent in what was asked before it was carried: then unauthenticated. */
  readonly requesterAuthenticated?: boolean;
  readonly policy: ApprovalPolicy;
  /** What the approver looks at; stored with the approval. */
  readonly evidence: ObjectRef;
  /** ISO 8601. */
  readonly deadline: string;
}

/** A decision that came through Temporal itself and not through the API. */
export interface DirectDecision {
  readonly approvalId: string;
  readonly decisionId: string;
  readonly decision: "approve" | "reject";
  readonly by: string;
  readonly reason: string;
  readonly digest: string;
}

export interface ApprovalSnapshot {
  readonly state: "waiting" | "approved" | "rejected" | "expired";
  readonly decisions: readonly { readonly by: string; readonly decision: "approve" | "reject" }[];
}
