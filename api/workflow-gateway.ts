import type { RawFile } from "../schemas/dataset.ts";
import type { Actor } from "../stores/postgres/port.ts";

/** Who asks, as workflows record it. */
export type Requester = Pick<Actor, "id" | "authenticated">;

export interface StartPipelineInput {
  readonly runId: string;
  readonly workflowId: string;
  readonly pipeline: string;
  readonly model: string;
  /** Hash of the canonical spec. */
  readonly specHash: string;
  readonly files: readonly RawFile[];
  readonly requester: Requester;
  readonly scheduleKey?: string;
}

export interface StartPromotionInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly kind: "promote" | "rollback";
  readonly reason: string;
  readonly requester: Requester;
  /** Makes the start idempotent beyond the workflow id. */
  readonly requestId: string;
}

export interface StartScoreInput {
  readonly scoreId: string;
  readonly workflowId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly runId: string;
  readonly files: readonly RawFile[];
  readonly requester: Requester;
}

/** A workflow that runs now; `isNew` is false when the same work was started before. */
export interface StartedWorkflow {
  readonly workflowId: string;
  readonly isNew: boolean;
}

/**
 * The API's way to Temporal.
 *
 * Guarantees of every adapter: a start is idempotent on the workflow id and says whether it was new; an
 * unreachable server throws PlatformError `temporal_unavailable`; nothing here reads or writes the stores.
 * `wakeApproval` only wakes: the workflow reads the recorded decision itself.
 */
export interface WorkflowGateway {
  startPipeline(input: StartPipelineInput): Promise<StartedWorkflow>;
  cancelRun(workflowId: string): Promise<void>;
  wakeApproval(workflowId: string, approvalId: string): Promise<void>;
  startPromotion(input: StartPromotionInput): Promise<StartedWorkflow>;
  startScore(input: StartScoreInput): Promise<StartedWorkflow>;
  triggerDriftCheck(model: string): Promise<StartedWorkflow>;
  /** Cheap round trip; throws when Temporal does not answer. */
  probe(): Promise<void>;
  close(): Promise<void>;
}
