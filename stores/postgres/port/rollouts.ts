import type { RolloutPlan } from "../../../schemas/pipeline/rollout.ts";
import type { PairSample, RolloutCounts } from "../../../schemas/serving/rollout.ts";
import type { AuditEntry } from "./actor.ts";
import type { VersionRow } from "./registry.ts";

export type RolloutState = "running" | "paused" | "promoting" | "promoted" | "rolled_back" | "aborted";

export interface RolloutRow {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  /** The champion when it began; another one ends it. */
  readonly championVersion: number;
  readonly championDigest: string;
  /** Digest of the champion as it is. */
  readonly championNow: string | null;
  readonly approvalId: string | null;
  readonly workflowId: string;
  /** The run that trained the version; null where people started the rollout. */
  readonly runId: string | null;
  readonly plan: RolloutPlan;
  readonly state: RolloutState;
  /** Index in the plan's stages. */
  readonly stage: number;
  readonly mode: "shadow" | "canary";
  /** Per cent of the requests that the new version answers. */
  readonly share: number;
  /** Number of its events. */
  readonly revision: number;
  readonly stageAt: string;
  /** Null while it is paused. */
  readonly bakeUntil: string | null;
  /** What was left of the bake when it was paused. */
  readonly remainingMs: number | null;
  /** The stage has had its bake and lasts longer, for want of answers. */
  readonly isProlonged: boolean;
  /** The guard that ended it. */
  readonly guard: string | null;
  /** Why it is as it is: of the last pause, or of its end. */
  readonly reason: string | null;
  readonly requestedBy: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Since a guard last looked, by the database's clock. */
  readonly unwatchedMs: number;
}

export type RolloutEventKind =
  | "opened"
  | "advanced"
  | "prolonged"
  | "paused"
  | "continued"
  | "promoting"
  | "promoted"
  | "rolled_back"
  | "aborted";

export interface RolloutEvent {
  readonly position: number;
  readonly kind: RolloutEventKind;
  readonly state: RolloutState;
  readonly stage: number;
  readonly share: number;
  readonly actor: string;
  readonly authenticated: boolean;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly at: string;
}

export type NewRollout = Pick<
  RolloutRow,
  "id" | "model" | "version" | "digest" | "approvalId" | "workflowId" | "runId" | "plan" | "requestedBy"
> & { readonly requesterAuthenticated: boolean };

/** A change of a rollout. `from`: the revision it was decided on; at another one nothing happens. */
export type RolloutChange =
  | { readonly kind: "advanced" | "prolonged" | "promoting"; readonly from: number; readonly reason: string }
  | { readonly kind: "promoted" | "continued"; readonly reason: string }
  /** `isForced`: also while it is being promoted. */
  | { readonly kind: "aborted"; readonly reason: string; readonly isForced?: boolean }
  | { readonly kind: "paused"; readonly reason: string; readonly from?: number }
  | {
      readonly kind: "rolled_back";
      readonly guard: string;
      readonly reason: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** A version that serves beside the champion. */
export interface ServingRollout {
  readonly rolloutId: string;
  readonly stage: number;
  readonly mode: "shadow" | "canary";
  readonly share: number;
  readonly version: VersionRow;
  /** It is the champion since a moment: until a process serves it as that, it goes on beside the old one. */
  readonly isPromoted: boolean;
}

export interface RolloutStats {
  readonly reporter: string;
  readonly counts: RolloutCounts;
  readonly sample: PairSample;
  readonly at: string;
}

/** A rollback that nobody approved. */
export interface BreakGlass {
  readonly model: string;
  /** The champion that was seen; refused where it is another one by now. */
  readonly from: number;
  /** Earlier champion to go back to; absent: the rollout that goes on ends, and the champion stays. */
  readonly to?: number;
  readonly reason: string;
  /** Id of the approval of kind `review` that is opened. */
  readonly reviewId: string;
  /** Workflow of the review, by the digest of the champion that it is about. */
  readonly reviewWorkflowOf: (digest: string) => string;
  /** ISO 8601. */
  readonly reviewUntil: string;
}

export interface BreakGlassResult {
  readonly reviewId: string;
  readonly reviewUntil: string;
  /** The champion now. */
  readonly version: number;
  readonly digest: string;
  /** Null where the champion stayed. */
  readonly previousVersion: number | null;
  readonly abortedRollout: string | null;
}

export interface RolloutStore {
  /**
   * Idempotent on id. One rollout of a model that is not over.
   * @returns undefined where there is no champion to be beside, or the version is the champion already
   * @throws PlatformError conflict: another rollout of the model goes on
   */
  open(rollout: NewRollout, audit: AuditEntry): Promise<RolloutRow | undefined>;
  get(id: string): Promise<RolloutRow | undefined>;
  /** A guard looks at it now. */
  watched(id: string): Promise<void>;
  /** The one of the model, or of one of its versions, that is not over, else the last one. */
  latest(model: string, version?: number): Promise<RolloutRow | undefined>;
  /** Newest first. */
  list(filter: {
    readonly model?: string;
    readonly isOpen?: boolean;
    readonly limit: number;
  }): Promise<RolloutRow[]>;
  events(id: string): Promise<RolloutEvent[]>;
  /**
   * Event, row, aliases `shadow` and `challenger`, audit row, alerts and NOTIFY aura_alias in one transaction. What
   * fits the state no more changes nothing and returns the row as it is.
   * @throws PlatformError not_found
   */
  change(id: string, change: RolloutChange, audit: AuditEntry): Promise<RolloutRow>;
  /**
   * Ends the open rollout, moves the champion back where a version is named, opens the review and raises its alert, with the
   * audit row and NOTIFY in one transaction.
   * @throws PlatformError no_champion, conflict, not_found; gate_refused: that version never was champion
   */
  breakGlass(p: BreakGlass, audit: AuditEntry): Promise<BreakGlassResult>;
  /** Versions that serve beside their champions, or did until a moment ago; of one model where it is named. */
  serving(model?: string): Promise<ServingRollout[]>;
  /** Absolute numbers of a reporter for a stage, written over; none of a rollout that is over. */
  putStats(of: {
    readonly rolloutId: string;
    readonly stage: number;
    readonly reporter: string;
    readonly counts: RolloutCounts;
    readonly sample: PairSample;
  }): Promise<void>;
  stats(id: string, stage: number): Promise<RolloutStats[]>;
}
