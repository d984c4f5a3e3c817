import type { StoredPipelineInput } from "../../stores/objects/pipeline-input.ts";
import type { GateResult, MetricSet } from "../../schemas/models/model-version.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import type { ApprovalPolicy } from "../../schemas/pipeline/training.ts";
import type { RolloutPlan } from "../../schemas/pipeline/rollout.ts";
import type { RunOutcome, RunStage } from "../../schemas/runs/run.ts";

/** Who asked for a run; travels through workflows so that nobody approves their own request. */
export interface Requester {
  readonly id: string;
  readonly authenticated: boolean;
}

/** Input of `pipelineWorkflow`. Documents travel as references; the workflow branches on the plan only. */
export type PipelineInput = StoredPipelineInput;

/** What the workflow needs to know of the pipeline file to order its steps. */
export interface RunPlan {
  readonly runId: string;
  readonly candidates: readonly {
    readonly name: string;
    readonly kind: string;
    /** Of an external trainer. */
    readonly taskQueue?: string;
  }[];
  /** Names of the candidates that are searched; absent in histories from before there was a search. */
  readonly searches?: readonly string[];
  readonly repeats: number;
  readonly folds: number;
  readonly approval: ApprovalPolicy;
  readonly approvalDeadlineMs: number;
  readonly approvalReminderMs: number;
  /** Absent: what was approved is promoted at once. */
  readonly rollout?: RolloutPlan;
}

export interface RunRef {
  readonly runId: string;
}

/** How a run ended that has no outcome; histories from before locations were kept give none. */
export interface RunFailure extends RunRef {
  readonly status: "failed" | "cancelled";
  readonly code: string;
  readonly message: string;
  readonly locations?: readonly ErrorLocation[];
}

export interface StageReport extends RunRef {
  readonly stage: RunStage;
  readonly state: "waiting" | "running" | "done" | "reused" | "failed" | "skipped";
  readonly progress?: number;
  readonly detail?: string;
  /** ISO 8601; set when the stage begins. */
  readonly startedAt?: string;
  readonly ms?: number;
}

/** Result of `pipelineWorkflow`, also what the run row ends with. */
export interface PipelineResult {
  readonly runId: string;
  readonly workflowId: string;
  readonly model: string;
  readonly outcome: RunOutcome;
  readonly version: number;
  readonly digest: string;
  readonly dataset: string;
  readonly metrics: { readonly test: MetricSet; readonly cv: MetricSet };
  readonly gates: readonly GateResult[];
}
