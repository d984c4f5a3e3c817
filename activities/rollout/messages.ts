import type { RolloutPlan } from "../../schemas/pipeline/rollout.ts";
import type { Requester } from "../runs/messages.ts";
import type { Breach } from "./guards.ts";

export type { Breach } from "./guards.ts";

export interface OpenRolloutInput {
  readonly rolloutId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly approvalId: string | null;
  readonly runId: string | null;
  readonly plan: RolloutPlan;
  readonly requestedBy: Requester;
}

/** What the workflow needs to know of a rollout's row. */
export interface RolloutView {
  readonly id: string;
  readonly state: "running" | "paused" | "promoting" | "promoted" | "rolled_back" | "aborted";
  readonly stage: number;
  readonly mode: "shadow" | "canary";
  readonly share: number;
  readonly revision: number;
  /** ISO 8601; null while it is paused. */
  readonly bakeUntil: string | null;
  readonly championVersion: number;
  readonly guard: string | null;
  readonly reason: string | null;
}

export interface RolloutRef {
  readonly rolloutId: string;
}

export interface WatchInput extends RolloutRef {
  /** What is watched; the watch ends when the rollout has another one. */
  readonly revision: number;
}

/** `changed`: by a person; `enough`: a prolonged stage has the answers that it waited for. */
export type WatchResult =
  | { readonly kind: "breach"; readonly breach: Breach }
  | { readonly kind: "changed" | "enough" };

export interface RollBackInput extends RolloutRef {
  readonly breach: Breach;
}

export interface LoseRolloutInput extends RolloutRef {
  /** One sentence for people. */
  readonly reason: string;
}

export interface RolloutCommand extends RolloutRef {
  readonly command: "pause" | "continue" | "abort";
  readonly by: string;
  readonly reason: string;
}
