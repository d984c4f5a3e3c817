import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ReplayOptions, ReplayTraining } from "../../schemas/runs/replay-life.ts";
import type { StoredPipelineInput } from "../../stores/objects/pipeline-input.ts";
import type { RunPlan } from "../runs/messages.ts";

/** Input of `replayLifeWorkflow`. */
export interface ReplayLifeInput extends StoredPipelineInput {
  readonly options: ReplayOptions;
  /** What an earlier run of the same workflow came to, whose history grew long; absent at the beginning. */
  readonly lived?: LivedSoFar;
}

/** A model that was promoted in a replay. */
export interface InService extends ReplayModel {
  /** Nothing later than this was known when it was trained. */
  readonly knownUntil: number;
  readonly split: ObjectRef;
  /** What the holdout said of it; absent of lives that began before it was kept. */
  readonly evaluation?: ObjectRef;
}

/** Which model is in service, when the last one was trained, and what was seen of the present one, newest first. */
export interface ServiceState {
  readonly champion: InService;
  readonly lastTrainedAt: number;
  readonly seen: readonly ObjectRef[];
}

/** Everything that happened so far in a replay. */
export interface LivedSoFar {
  readonly dataset: ObjectRef;
  readonly plan: ReplayPlan;
  /** The first model, which goes on alone. */
  readonly frozen: InService;
  readonly state: ServiceState;
  readonly trainings: readonly TrainingRecord[];
  readonly windows: readonly { readonly document: ObjectRef }[];
}

/** Half-open, in units of the stored time: microseconds or cycles. */
export interface ReplaySpan {
  readonly from: number;
  readonly to: number;
  /** A time of the retraining schedule lies in it. */
  readonly isScheduled?: boolean;
}

export interface PlanReplayInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly options: ReplayOptions;
}

/** All that the workflow needs to know of pipeline file, data and options to order its steps. */
export interface ReplayPlan {
  readonly run: RunPlan;
  readonly timeKind: "timestamp" | "cycle";
  /** First reading, first training, and the end, exclusive. */
  readonly begin: number;
  readonly start: number;
  readonly end: number;
  readonly every: number;
  readonly labelDelay: number;
  readonly coolDown: number;
  readonly windows: readonly ReplaySpan[];
  /** Windows that a confirmation looks at, of drift or of degradation, the present one among them. */
  readonly confirmations: number;
  /** Whether confirmed drift retrains. */
  readonly retrains: boolean;
  /** The same of confirmed degradation. */
  readonly onDegradation?: boolean;
  /** So many new labels retrain. */
  readonly newLabels?: number;
}

export interface SnapshotInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  /** Nothing later is in the snapshot. */
  readonly until: number;
}

export interface SnapshotResult {
  /** Id of the snapshot: hash of its manifest. */
  readonly dataset: string;
  readonly manifest: ObjectRef;
  readonly rows: number;
}

export interface JudgeInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  /** The snapshot that the challenger was trained on. */
  readonly dataset: ObjectRef;
  readonly split: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly challenger: { readonly manifest: ObjectRef; readonly evaluation: ObjectRef };
  /** Null: there is none to beat. */
  readonly champion: {
    readonly manifest: ObjectRef;
    readonly training: number;
    readonly knownUntil: number;
  } | null;
}

export interface JudgeResult {
  readonly passed: boolean;
  /** One line for people. */
  readonly message: string;
  readonly digest: string;
  /** Stored Judgement. */
  readonly judgement: ObjectRef;
}

/** A model that is in service in the replay. */
export interface ReplayModel {
  readonly training: number;
  /** Stored VersionManifest. */
  readonly manifest: ObjectRef;
}

export interface ReplayWindowInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly index: number;
  readonly span: ReplaySpan;
  /** End of what is known in the end. */
  readonly end: number;
  readonly champion: ReplayModel;
  readonly frozen: ReplayModel;
  /** Windows before this one under the same champion, newest first, as many as a confirmation looks at. */
  readonly earlier: readonly ObjectRef[];
  /** What asks for retrains beside drift; absent: nothing else does. */
  readonly watch?: WindowWatch;
}

/** What is known of the model in service when a window ends, for the questions that labels answer. */
export interface WindowWatch {
  /** Since when the model answers, and when the last one was trained. */
  readonly servedSince: number;
  readonly trainedAt: number;
  readonly labelDelay: number;
  /** What the holdout said of it; null: its quality is not held against it. */
  readonly evaluation: ObjectRef | null;
  readonly countsLabels: boolean;
}

export interface ReplayWindowResult {
  /** Stored SeenWindow. */
  readonly document: ObjectRef;
  readonly state: "ok" | "drift" | "insufficient_data";
  readonly confirmed: boolean;
  /** One line for people. */
  readonly detail: string;
  /** Why quality is confirmed to have fallen, for people; absent: it is not. */
  readonly degraded?: string;
  /** Labels that became known since the last training; absent: nobody counts them. */
  readonly newLabels?: number;
}

/** A training as the workflow saw it; what it came to in figures is in `judgement`. */
export interface TrainingRecord extends Pick<
  ReplayTraining,
  "number" | "reason" | "outcome" | "message" | "snapshot" | "digest" | "candidate"
> {
  readonly at: number;
  readonly judgement?: ObjectRef;
  readonly report?: ObjectRef;
}

export interface ConcludeInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly pipeline: string;
  readonly model: string;
  readonly plan: ReplayPlan;
  readonly options: ReplayOptions;
  /** Stored SeenWindow each. */
  readonly windows: readonly { readonly document: ObjectRef }[];
  readonly trainings: readonly TrainingRecord[];
}

/** Result of `replayLifeWorkflow`. */
export interface ReplayLifeResult {
  /** Stored ReplayLife. */
  readonly result: ObjectRef;
  /** One HTML page. */
  readonly report: ObjectRef;
  readonly summary: string;
}
