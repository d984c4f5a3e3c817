import type { GateResult, MetricSet } from "../../schemas/models/model-version.ts";
import type { EnvelopeFinding } from "../../schemas/models/envelope-finding.ts";
import type { ApprovalPolicy } from "../../schemas/pipeline/training.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Requester } from "../runs/messages.ts";

export interface RegisterInput {
  readonly runId: string;
  readonly model: string;
  readonly dataset: string;
  /** Stored VersionManifest and Evaluation. */
  readonly manifest: ObjectRef;
  readonly evaluation: ObjectRef;
  readonly holdout: { readonly hash: string; readonly object: ObjectRef };
  /** The pipeline; absent in what was started before a champion that is found again was held against its gates. */
  readonly spec?: ObjectRef;
}

export interface RegisterResult {
  readonly version: number;
  readonly digest: string;
  /** The champion already has this digest: nothing is left to decide. */
  readonly isChampion: boolean;
  /** Of the champion alone: what it is worth by the file of this run. Others are checked in a step of their own. */
  readonly gates?: readonly GateResult[];
  readonly metrics: { readonly test: MetricSet; readonly cv: MetricSet };
}

export interface GateInput {
  readonly runId: string;
  readonly model: string;
  readonly version: number;
  readonly spec: ObjectRef;
  /** Metrics of the present champion on the same frozen rows; absent when there is none. */
  readonly champion?: {
    readonly version: number;
    readonly digest: string;
    readonly rows: string;
    readonly metrics: MetricSet;
  };
  /** Of a retrain whose envelope people approved. */
  readonly envelope?: EnvelopeFinding;
}

export interface GateOutcome {
  readonly passed: boolean;
  readonly gates: readonly GateResult[];
  readonly message: string;
  /** What the approver looks at. */
  readonly evidence: ObjectRef;
  /** The evidence in a few lines; absent in what was decided before it was made. */
  readonly summary?: readonly string[];
  /** Inside a change envelope: who decides, in the place of the pipeline's own policy. */
  readonly approval?: {
    readonly policy: ApprovalPolicy;
    readonly deadlineMs: number;
    readonly reminderMs: number;
  };
}

export interface PromoteInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  /** Idempotency: the same id moves the alias once. */
  readonly requestId: string;
  readonly approvalId: string | null;
  readonly reason: string;
  /** Who asked for it; absent where a run promotes by itself after its approval: then those who approved. */
  readonly actor?: Requester;
}

export interface PromoteResult {
  readonly model: string;
  readonly version: number;
  readonly previousVersion: number | null;
  readonly at: string;
}
