import type { TestChannelInput } from "../activities/alarms/messages.ts";
import type { ReplayLifeInput } from "../activities/replay-life/messages.ts";
import type { ApprovalInput } from "../workflows/approval/messages.ts";
import type { RolloutInput } from "../workflows/rollout/messages.ts";
import type { ChannelTest } from "../schemas/alerts/alert-channel.ts";
import type { DataKind } from "../schemas/data/data-diff.ts";
import type { ScheduleView } from "../schemas/live/online-features.ts";
import type { ObjectRef } from "../schemas/object-ref.ts";
import type { PendingFailure } from "../schemas/runs/run.ts";
import type { StoredPipelineInput } from "../stores/objects/pipeline-input.ts";
import type { Actor } from "../stores/postgres/port.ts";

/** Who asks, as workflows record it. */
export type Requester = Pick<Actor, "id" | "authenticated">;

export interface StartPipelineInput {
  readonly input: StoredPipelineInput;
  /** Identity of the run: canonical spec, raw hashes, schedule key. */
  readonly inputHash: string;
}

export interface StartPromotionInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  /** The alias moves once per id. */
  readonly requestId: string;
  /** The approval that names the digest; null for a rollback to a version that was champion before. */
  readonly approvalId: string | null;
  readonly reason: string;
  readonly requestedBy: Requester;
}

export interface StartScoreInput {
  readonly jobId: string;
  readonly model: string;
  /** The champion that is asked. */
  readonly version: number;
  readonly digest: string;
  /** Hash over version digest and raw files: the same question is the same workflow. */
  readonly inputHash: string;
  /** JSON list of RawFile. */
  readonly files: ObjectRef;
  readonly requestedBy: Requester;
}

export interface StartReproductionInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly requestedBy: Requester;
}

export interface AskRetrainInput {
  readonly model: string;
  readonly reason: string;
  readonly requestedBy: Requester;
  readonly skipCoolDown: boolean;
}

export interface StartReplayInput {
  readonly input: ReplayLifeInput;
  /** Identity of the replay: pipeline file, raw files and options. */
  readonly hash: string;
}

export interface StartFeaturesRefreshInput {
  /** Absent: every champion. */
  readonly model?: string;
  readonly sinceMs?: number;
  readonly isWhole: boolean;
}

export interface StartSavingsInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
}

export interface StartDataComparisonInput {
  readonly kind: DataKind;
  readonly a: string;
  readonly b: string;
}

/** `result` is the workflow's own, to be checked by whoever reads it; `stage` is what it shows in Temporal's UI. */
export type WorkflowOutcome =
  | { readonly runId: string; readonly status: "running"; readonly stage?: string }
  | { readonly runId: string; readonly status: "finished"; readonly result: unknown };

/** A workflow that runs now; `isNew` is false when the same work was started before. */
export interface StartedWorkflow {
  readonly workflowId: string;
  /** Temporal's run id, which is also the id of a pipeline run. */
  readonly runId: string;
  readonly isNew: boolean;
}

/**
 * The API's way to Temporal.
 *
 * Guarantees of every adapter: a start is idempotent on the workflow id and says whether it was new; an
 * unreachable server throws PlatformError `temporal_unavailable`, an unknown workflow `not_found`; nothing
 * here reads or writes the stores. `wakeApproval` only wakes: the workflow reads the recorded decision itself.
 */
export interface WorkflowGateway {
  startPipeline(start: StartPipelineInput): Promise<StartedWorkflow>;
  cancelRun(workflowId: string, runId: string): Promise<void>;
  /** Why the run's present step is tried again; undefined while nothing of it has failed, or when it is over. */
  pendingFailure(workflowId: string, runId: string): Promise<PendingFailure | undefined>;
  wakeApproval(workflowId: string): Promise<void>;
  /** Something of it was recorded; it reads that itself. */
  wakeRecommendation(id: string): Promise<void>;
  startPromotion(start: StartPromotionInput): Promise<StartedWorkflow>;
  startRollout(start: RolloutInput): Promise<StartedWorkflow>;
  /** Waits for the review of a rollback that nobody approved. */
  startReview(start: ApprovalInput): Promise<StartedWorkflow>;
  startScore(start: StartScoreInput): Promise<StartedWorkflow>;
  /**
   * Whether a score job may still give an answer; no effect while it runs or is unknown.
   * @throws {PlatformError} with the code the job failed with
   */
  requireScoreAlive(model: string, inputHash: string): Promise<void>;
  startReproduction(start: StartReproductionInput): Promise<StartedWorkflow>;
  /** One that runs already is joined. */
  startReplay(start: StartReplayInput): Promise<StartedWorkflow>;
  /** Simulates savings, anew where that was done before; one that runs is joined. */
  startSavings(start: StartSavingsInput): Promise<StartedWorkflow>;
  startDataComparison(start: StartDataComparisonInput): Promise<StartedWorkflow>;
  /**
   * What a workflow came to: its result, or that it still runs.
   * @throws {PlatformError} not_found for one that is unknown; the code it failed with; cancelled
   */
  outcomeOf(operation: string, workflowId: string): Promise<WorkflowOutcome>;
  /** Runs the model's drift check now, beside its schedule. */
  triggerDriftCheck(model: string): Promise<StartedWorkflow>;
  /** Runs the model's performance check now, beside its schedule. */
  triggerPerformanceCheck(model: string): Promise<StartedWorkflow>;
  /**
   * Asks for a retrain; it goes on by itself.
   * @returns its window
   * @throws {PlatformError} retrain_refused, no_champion; not_ready: no worker answers
   */
  askRetrain(ask: AskRetrainInput): Promise<{ readonly window: string }>;
  /** Reads an uploaded file of readings; it is read once, however often this is asked for. */
  startReadingsUpload(id: string): Promise<StartedWorkflow>;
  /** Brings features of live readings up to date now, beside the schedule; `hash` is that of what is asked for. */
  startFeaturesRefresh(hash: string, input: StartFeaturesRefreshInput): Promise<StartedWorkflow>;
  /** Has the worker tell a channel that it works. @throws {PlatformError} not_found; not_ready: no worker answers */
  testChannel(test: TestChannelInput): Promise<ChannelTest>;
  /** @throws {PlatformError} not_found: no worker has made it yet */
  schedule(id: string): Promise<ScheduleView>;
  /** Every schedule that there is, by id. */
  schedules(): Promise<ScheduleView[]>;
  /** Paused, it stays so until somebody resumes it. @throws {PlatformError} not_found */
  pauseSchedule(id: string, to: { readonly isPaused: boolean; readonly note: string }): Promise<void>;
  /** Runs housekeeping now, beside its schedule; one that runs by hand already is joined. */
  startHousekeeping(start: { readonly removeDatasets: boolean }): Promise<StartedWorkflow>;
  /** Cheap round trip; throws when Temporal does not answer. */
  probe(): Promise<void>;
  close(): Promise<void>;
}
