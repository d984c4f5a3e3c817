import type { Answer } from "../../../schemas/maintenance/answer.ts";
import type {
  Assessment,
  EndedState,
  Recommendation,
  RecommendationState,
} from "../../../schemas/maintenance/recommendation.ts";
import type {
  RecordedEvent,
  WorkOrder,
  WorkOrderDocument,
  WorkOrderEvent,
  WorkOrderState,
  WorkOutcomeDetails,
} from "../../../schemas/maintenance/work-order.ts";
import type { MaintenancePolicy } from "../../../schemas/pipeline/maintenance.ts";
import type { Prediction } from "../../../schemas/serving/prediction.ts";
import type { AuditEntry } from "./actor.ts";

/** An asset's score for live readings as the watch reads it. */
export interface SeenScore {
  readonly model: string;
  readonly asset: string;
  readonly version: number;
  readonly digest: string;
  readonly prediction: Prediction;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  readonly scoredAt: string;
}

/** An asset's line of a fleet score. */
export interface SeenFleetScore {
  readonly scoreId: string;
  readonly model: string;
  readonly asset: string;
  readonly version: number;
  readonly digest: string;
  readonly value: number;
  /** What the numbers mean, as `ScoreSummary` has it. */
  readonly kind: string;
  readonly threshold: number | null;
  readonly unit: string | null;
  readonly classLabels: readonly string[] | null;
  readonly at: string;
  readonly scoredAt: string;
}

/** How an asset's answers went so far; its form is the watch's. Null: there is nothing to remember. */
export interface WatchedAsset<S = unknown> {
  readonly model: string;
  readonly asset: string;
  readonly state: S | null;
}

export interface SeenAnswers<S = unknown> {
  readonly scores: readonly SeenScore[];
  readonly fleet: readonly SeenFleetScore[];
  /** Of the assets seen that have one. */
  readonly states: readonly WatchedAsset<S>[];
  /** Assets seen with a recommendation that has not ended, `model asset`. */
  readonly open: ReadonlySet<string>;
  /** ms since 1970 of the end of the newest one of the others that have ended. */
  readonly endedAt: ReadonlyMap<string, number>;
  /** Of these those of which the newest has failed. */
  readonly failed: ReadonlySet<string>;
}

export interface NewRecommendation {
  readonly model: string;
  readonly asset: string;
  readonly policy: MaintenancePolicy;
  readonly evidence: readonly Answer[];
}

export interface WatchOutcome<S = unknown> {
  readonly states: readonly WatchedAsset<S>[];
  readonly opened: readonly NewRecommendation[];
  /** Newer answers for assets that have an open one. */
  readonly updated: readonly Answer[];
  /** Assets whose answers recovered; of effect where nobody has decided yet. */
  readonly recovered: readonly { readonly model: string; readonly asset: string }[];
}

export type UnstartedRecommendation = Pick<Recommendation, "id" | "model" | "asset" | "n">;

/** One whose workflow should be running. */
export type FollowedRecommendation = UnstartedRecommendation & Pick<Recommendation, "state" | "workOrderId">;

export interface RecommendationFilter {
  readonly state?: RecommendationState | "unended";
  readonly model?: string;
  readonly asset?: string;
  readonly sites?: readonly string[];
  readonly limit: number;
  /** Id of the last one of the page before. */
  readonly after?: string;
}

export interface StoredRecommendation extends Recommendation {
  readonly policy: MaintenancePolicy;
}

/**
 * Recommendations to do maintenance. An asset has one per model that has not ended; every change of state writes its audit row
 * in the same transaction, and one that was made already is answered as it stands.
 */
export interface RecommendationStore {
  /**
   * Gives answers that were not looked at, and writes what comes of them whole or not at all; who looks meanwhile elsewhere waits
   * for nothing.
   *
   * @param models that have a policy, and what it goes by
   * @returns ids of recommendations whose answers recovered; undefined where somebody else looks
   */
  watch(
    models: { readonly live: readonly string[]; readonly fleet: readonly string[] },
    take: (seen: SeenAnswers) => WatchOutcome,
  ): Promise<{ readonly recovered: readonly string[]; readonly hasMore: boolean } | undefined>;
  /** Whose workflow nobody has started yet. */
  unstarted(limit: number): Promise<UnstartedRecommendation[]>;
  started(id: string): Promise<void>;
  /** Whose workflow was started and that have not ended, oldest first; `after` is the id of the last one of the page before. */
  followed(page: { readonly limit: number; readonly after?: string }): Promise<FollowedRecommendation[]>;
  get(id: string, sites?: readonly string[]): Promise<StoredRecommendation | undefined>;
  /** Newest first. */
  list(filter: RecommendationFilter): Promise<Recommendation[]>;
  /** Those that rest on a prediction. */
  ofPrediction(predictionId: string): Promise<Recommendation[]>;
  /** The first assessment stands. */
  assess(id: string, assessment: Assessment, audit: AuditEntry): Promise<StoredRecommendation>;
  /** It waits for the decision of an approval. */
  waits(id: string, approvalId: string): Promise<void>;
  /** Ends one that has no work order; of no effect on one that has ended. */
  end(
    id: string,
    end: { readonly state: EndedState; readonly reason?: string },
    audit: AuditEntry,
  ): Promise<StoredRecommendation>;
  /** By state, of those that have not ended, and how many wait beyond the deadline of their approval. */
  counts(): Promise<{
    readonly byState: readonly { readonly model: string; readonly state: string; readonly n: number }[];
    readonly overdue: readonly { readonly model: string; readonly n: number }[];
    readonly orders: readonly {
      readonly model: string;
      readonly state: string;
      readonly outcome: string;
      readonly n: number;
    }[];
  }>;
}

export interface WorkOrderFilter {
  readonly state?: WorkOrderState | "unended";
  readonly model?: string;
  readonly asset?: string;
  readonly sites?: readonly string[];
  readonly limit: number;
  readonly after?: string;
}

/** Who says something of an order. */
export interface EventSender {
  readonly by: string;
  readonly authenticated: boolean;
}

/** Work orders: one per recommendation, closed once. */
export interface WorkOrderStore {
  /** Makes the order of a recommendation, which is `ordered` from then on. **Idempotency**: the recommendation. */
  make(
    order: Pick<WorkOrder, "id" | "recommendationId" | "channel"> & { readonly document: WorkOrderDocument },
    audit: AuditEntry,
  ): Promise<WorkOrder>;
  get(id: string, sites?: readonly string[]): Promise<WorkOrder | undefined>;
  /** Newest first. */
  list(filter: WorkOrderFilter): Promise<WorkOrder[]>;
  events(id: string): Promise<RecordedEvent[]>;
  /** Notes an attempt to send one that was not sent yet; its audit row is written once it is settled. */
  attempted(
    id: string,
    attempt: {
      readonly state: "created" | "sent" | "undelivered";
      readonly status: number | null;
      readonly reason: string | null;
    },
    audit: AuditEntry,
  ): Promise<void>;
  /** An order that was sent or could not be is to be sent again. @throws {PlatformError} conflict: it is closed, or has no channel */
  resend(id: string, audit: AuditEntry): Promise<WorkOrder>;
  /**
   * Takes what is said of an order. The same event id with the same content gives the order as it stands.
   *
   * @throws {PlatformError} not_found; conflict: the id with other content, or the order is closed
   */
  take(id: string, event: WorkOrderEvent, sender: EventSender, audit: AuditEntry): Promise<WorkOrder>;
  /** The outcome is a label now, or none comes of it: the recommendation is closed. **Idempotency**: the order. */
  settle(id: string, labelId: string | null, audit: AuditEntry): Promise<WorkOrder>;
  /** Outcomes of closed orders of a model. */
  outcomes(model: string): Promise<
    readonly {
      readonly recommendationId: string;
      readonly asset: string;
      readonly outcome: WorkOutcomeDetails;
      readonly openedAt: string;
      readonly createdAt: string;
      readonly closedAt: string;
    }[]
  >;
}
