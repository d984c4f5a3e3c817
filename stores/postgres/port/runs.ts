import type { ErrorCode } from "../../../schemas/error-codes.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { RunError, RunOutcome, RunView, StageState } from "../../../schemas/runs/run.ts";
import type { AuditEntry } from "./actor.ts";

export interface RunStore {
  /** Idempotent on runId: a second call with the same workflow id returns the first row unchanged. */
  create(run: NewRun): Promise<void>;
  setStage(runId: string, stage: StageState): Promise<void>;
  /** Sets any of dataset, version, digest, approvalId, metrics, evaluation, gates. */
  update(runId: string, patch: RunPatch): Promise<void>;
  finish(runId: string, end: RunEnd, audit: AuditEntry): Promise<void>;
  get(runId: string): Promise<RunView | undefined>;
  list(filter: { pipeline?: string; model?: string; limit: number; before?: string }): Promise<RunView[]>;
  /** Pipeline text and raw files a run was started with; used by retraining and scoring. */
  inputOf(
    runId: string,
  ): Promise<
    { pipeline: string; specHash: string; files: { name: string; object: ObjectRef }[] } | undefined
  >;
  /**
   * Latest run that ended with this version in use: promoted by it, or unchanged as it was in use already. Its file is what
   * people last said about the model. Of a version that never was in use the latest run that made it; undefined where no run
   * of it is known.
   */
  latestStanding(model: string, digest: string): Promise<{ runId: string } | undefined>;
  /** The run that asked for the approval that was last given for this version. */
  latestApproved(model: string, digest: string): Promise<{ runId: string } | undefined>;
  /** The run that asked for an approval. */
  byApproval(approvalId: string): Promise<{ runId: string } | undefined>;
  /** Latest finished-and-promoted run of a model. */
  latestPromoted(model: string): Promise<RunView | undefined>;
}

export interface NewRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly pipeline: string;
  readonly model: string;
  readonly pipelineText: string;
  readonly specHash: string;
  readonly files: readonly { name: string; object: ObjectRef }[];
  readonly requestedBy: string;
  readonly requesterAuthenticated: boolean;
  readonly scheduleKey?: string;
}

export type RunPatch = Partial<
  Pick<RunView, "dataset" | "version" | "digest" | "approvalId" | "metrics" | "evaluation" | "gates">
> & { readonly waiting?: boolean };

export type RunEnd =
  | { readonly status: "finished"; readonly outcome: RunOutcome }
  | {
      readonly status: "failed" | "cancelled";
      readonly error: RunError & { readonly code: ErrorCode };
    };
