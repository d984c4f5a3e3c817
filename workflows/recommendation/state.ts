import type { OrderStanding, RecommendationStanding } from "../../activities/maintenance/messages.ts";
import { MAINTENANCE_LONGEST_POLL_MS, MAINTENANCE_POLL_MS } from "../../temporal-config/constants.ts";
import type { ApprovalResult } from "../approval/messages.ts";

/** Where a recommendation is; the rows are the truth. */
export interface RecommendationPhase {
  readonly phase: "assessing" | "deciding" | "ordering" | "sending" | "working" | "settling" | "over";
  readonly workOrderId: string | null;
}

/** What follows while people may decide. */
export type DecidingStep = "order" | "rejected" | "expired" | "withdraw" | "tell-overdue" | "wait";

/**
 * What follows while people decide. A decision comes before everything: who decided in time has decided, though the answers
 * recovered meanwhile.
 *
 * @param approval undefined while it waits
 */
export function decidingStep({
  approval,
  standing,
  isPastDeadline,
  isToldOverdue,
}: {
  readonly approval: ApprovalResult | undefined;
  readonly standing: RecommendationStanding | undefined;
  readonly isPastDeadline: boolean;
  readonly isToldOverdue: boolean;
}): DecidingStep {
  if (approval !== undefined) return approval.outcome === "approved" ? "order" : approval.outcome;
  if (standing?.isRecovered === true) return "withdraw";
  return isPastDeadline && !isToldOverdue ? "tell-overdue" : "wait";
}

/**
 * Until the next look by itself, while people decide: as long again as it has looked for already, so that what a lost wake-up was
 * about is found within the time it took to come up. Each look is some 11 events of a history that ends at 51,200.
 *
 * @param nLooks before this one
 */
export function nextLookMs(nLooks: number): number {
  return Math.min(MAINTENANCE_POLL_MS * 2 ** nLooks, MAINTENANCE_LONGEST_POLL_MS);
}

/** What follows while the work is done. */
export function workingStep({ state, isToSend }: OrderStanding): "settle" | "send" | "wait" {
  if (state === "closed") return "settle";
  return isToSend ? "send" : "wait";
}
