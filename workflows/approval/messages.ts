import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { OpenApprovalInput } from "../../activities/approval/messages.ts";
import type { ApprovalState } from "./state.ts";

/** What is to be decided. `subject` is for people, e.g. `substation@3`; the decision binds to `digest`. */
export interface ApprovalInput extends Omit<OpenApprovalInput, "deadline"> {
  readonly kind: "promotion" | "maintenance" | "review";
  /** `policy.deadline` and `policy.reminder` in milliseconds: workflows do not parse durations. */
  readonly deadlineMs: number;
  readonly reminderMs: number;
  /** Lines of the evidence for Temporal's own page. */
  readonly summary?: readonly string[];
  /** Set by the workflow itself when it continues in a new run; times in milliseconds since 1970. */
  readonly resumed?: {
    readonly deadlineMs: number;
    readonly nextReminderMs: number;
    readonly isEscalated: boolean;
  };
}

export interface ApprovalResult {
  readonly approvalId: string;
  readonly outcome: "approved" | "rejected" | "expired";
  /** Who approved, or the one who rejected; nobody where the deadline decided. */
  readonly decidedBy: readonly string[];
}

/** A decision as a person gives it through Temporal itself. */
export interface DecideInput {
  readonly decision: "approve" | "reject";
  readonly by: string;
  readonly reason?: string;
  /** Absent: the digest this approval is about, which the Temporal UI shows. */
  readonly digest?: string;
}

/**
 * An update and not a signal, because the person wants to know at once whether the decision counted.
 * The update id is the decision id: the same id again returns the first answer.
 */
export const decideUpdate = defineUpdate<ApprovalState, [DecideInput]>("decide");

/** For the Temporal UI and CLI, where a signal is the easiest thing to send. */
export const approveSignal = defineSignal<[Partial<DecideInput>?]>("approve");
export const rejectSignal = defineSignal<[Partial<DecideInput>?]>("reject");

/** The API recorded a decision: look at it now. Carries nothing that would have to be believed. */
export const wakeSignal = defineSignal("wake");

export const approvalStateQuery = defineQuery<ApprovalState>("state");
