import { defineQuery, defineSignal } from "@temporalio/workflow";
import type { RecommendationPhase } from "./state.ts";

export interface RecommendationInput {
  readonly id: string;
  readonly model: string;
  readonly asset: string;
  /** Set by the workflow itself when it continues in a new run. */
  readonly workOrderId?: string;
}

export interface RecommendationResult {
  readonly id: string;
  /** One that is cancelled or fails has no result; its row says so. */
  readonly state: "closed" | "rejected" | "expired" | "withdrawn";
  readonly workOrderId: string | null;
  readonly outcome: string | null;
  readonly label: string | null;
}

/** Something of the recommendation or its order was recorded: look now. Carries nothing that would have to be believed. */
export const wakeSignal = defineSignal("wake");

export const recommendationStateQuery = defineQuery<RecommendationPhase>("state");
