import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ApprovalPolicy } from "../../schemas/pipeline/training.ts";
import type { WorkOrderState } from "../../schemas/maintenance/work-order.ts";
import type { EndedState, RecommendationState } from "../../schemas/maintenance/recommendation.ts";

export interface RecommendationRef {
  readonly id: string;
}

export interface AssessInput extends RecommendationRef {
  /** Contributions, as `explainRecommendation` found them; absent: they could not be had. */
  readonly reasons?: readonly Reason[];
  readonly reasonsMissing?: string;
}

/** What moved the answer. */
export interface Reason {
  readonly feature: string;
  readonly value: number | string | null;
  readonly unit?: string | undefined;
  readonly contribution: number;
}

/** What the workflow has to know of an assessed case; the rest is in its row. */
export interface AssessedRecommendation {
  readonly mode: "ask" | "order";
  readonly isCritical: boolean;
  readonly model: string;
  readonly version: number;
  /** Of the case, which the decision names. */
  readonly digest: string;
  readonly subject: string;
  readonly evidence: ObjectRef;
  /** Lines for Temporal's own page. */
  readonly summary: readonly string[];
  readonly deciders: ApprovalPolicy;
  readonly deadlineMs: number;
  readonly reminderMs: number;
}

export interface RecommendationStanding {
  readonly state: RecommendationState;
  readonly isRecovered: boolean;
}

export interface WaitsInput extends RecommendationRef {
  readonly approvalId: string;
}

export interface EndInput extends RecommendationRef {
  readonly state: EndedState;
  readonly decidedBy: readonly string[];
  /** Why it was cancelled, or failed. */
  readonly reason?: string;
}

export interface MakeOrderInput extends RecommendationRef {
  readonly decidedBy: readonly string[];
  readonly approvalId?: string;
}

export interface OrderRef {
  readonly workOrderId: string;
}

export interface OrderStanding extends OrderRef {
  readonly state: WorkOrderState;
  /** It is to be sent to a channel. */
  readonly isToSend: boolean;
}

export interface FailOrderInput extends OrderRef {
  readonly reason: string;
}

export interface SettledOrder extends OrderRef {
  readonly outcome: string;
  readonly label: string | null;
}
