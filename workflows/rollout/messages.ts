import { defineQuery, defineSignal } from "@temporalio/workflow";
import type { OpenRolloutInput, RolloutView } from "../../activities/rollout/messages.ts";

/** Input of `rolloutWorkflow`. */
export type RolloutInput = OpenRolloutInput;

export interface RolloutResult {
  readonly rolloutId: string;
  /** `refused`: another rollout of the model goes on. */
  readonly outcome: "promoted" | "rolled_back" | "aborted" | "refused";
  /** The guard that ended it; null where none did. */
  readonly guard: string | null;
  /** One line for people. */
  readonly reason: string;
}

/** What a person sends straight to Temporal. */
export interface RolloutWord {
  readonly by?: string;
  readonly reason?: string;
}

/**
 * For the Temporal UI and CLI. Signals, as nobody waits for their answer: they end in the recorded row, which the
 * workflow follows, and which `aura rollout status` shows. Commands of the API change the row themselves.
 */
export const pauseSignal = defineSignal<[RolloutWord?]>("pause");
export const continueSignal = defineSignal<[RolloutWord?]>("continue");
export const abortSignal = defineSignal<[RolloutWord?]>("abort");

/** The row as the workflow last read it; null before there is one. */
export const rolloutQuery = defineQuery<RolloutView | null>("state");
