/**
 * What an approval workflow knows. The truth is the approval's row; this mirrors what was last read of it,
 * so that waiting, deadline and escalation can be decided without I/O.
 */
export interface ApprovalState {
  readonly state: "waiting" | "approved" | "rejected" | "expired";
  readonly approvals: readonly string[];
  /** Who rejected; absent while nobody did, also where a deadline did. */
  readonly rejectedBy?: string;
  readonly quorum: number;
  readonly isEscalated: boolean;
}

/** The part of the stored approval that moves the workflow. */
export interface RecordedApproval {
  readonly state: ApprovalState["state"];
  readonly decisions: readonly { readonly by: string; readonly decision: "approve" | "reject" }[];
}

export type ApprovalEvent =
  | { readonly kind: "recorded"; readonly row: RecordedApproval }
  | { readonly kind: "escalated" };

export function openState(quorum: number): ApprovalState {
  return { state: "waiting", approvals: [], quorum, isEscalated: false };
}

/**
 * The one reducer for messages from every channel. A closed approval never opens again: an older reading of the
 * row that arrives late changes nothing.
 */
export function reduceApproval(state: ApprovalState, event: ApprovalEvent): ApprovalState {
  if (state.state !== "waiting") return state;
  switch (event.kind) {
    case "escalated":
      return { ...state, isEscalated: true };
    case "recorded": {
      const { decisions } = event.row;
      const rejection = decisions.find((d) => d.decision === "reject");
      return {
        ...state,
        state: event.row.state,
        approvals: decisions.filter((d) => d.decision === "approve").map((d) => d.by),
        ...(rejection === undefined ? {} : { rejectedBy: rejection.by }),
      };
    }
  }
}

/** Whose decision the outcome is: of those who approved, of the one who rejected, or nobody's at a deadline. */
export function decidersOf({ state, approvals, rejectedBy }: ApprovalState): readonly string[] {
  if (state === "approved") return approvals;
  return state === "rejected" && rejectedBy !== undefined ? [rejectedBy] : [];
}

/** What the deadline does now: escalation happens once, then the approval expires. `approve`: by the policy of an envelope. */
export function atDeadline(
  state: ApprovalState,
  onDeadline: "expire" | "reject" | "escalate" | "approve",
): "escalate" | "expired" | "rejected" | "approve" {
  if (onDeadline === "approve") return "approve";
  if (onDeadline === "reject") return "rejected";
  if (onDeadline === "escalate" && !state.isEscalated) return "escalate";
  return "expired";
}
