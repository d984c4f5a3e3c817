/** How a caller watches and ends a training from outside, the same for every trainer. */
import type { DecisionTree } from "./decision-tree.ts";

/** One finished iteration (tree, round or solver step). */
export interface TrainingProgress {
  /** Iterations done, 1 … of. */
  readonly iteration: number;
  readonly of: number;
  /** Validation loss after this iteration, where there is one. */
  readonly metric?: number;
}

/** Called from the training loop, on its thread; both must be quick. */
export interface TrainingHooks {
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Asked once per iteration; true ends the training with TrainingCancelledError. */
  readonly shouldStop?: () => boolean;
}

/** How far a training that grows tree after tree is. Plain data, valid for the same input, parameters and seed. */
export interface TreeCheckpoint {
  /** Rounds of boosting, or trees of a forest. */
  readonly iteration: number;
  readonly trees: readonly DecisionTree[];
  /** Figure on the validation rows after each round; empty where there are none. */
  readonly history: readonly number[];
}

export interface CheckpointHooks extends TrainingHooks {
  /** Called every `checkpointEvery` iterations (default 50) with all that a resume needs. */
  readonly onCheckpoint?: (checkpoint: TreeCheckpoint) => void;
  readonly checkpointEvery?: number;
}

/** @returns whether a checkpoint is due after so many iterations */
export function isCheckpointDue(hooks: CheckpointHooks | undefined, iteration: number): boolean {
  return hooks?.onCheckpoint !== undefined && iteration % (hooks.checkpointEvery ?? 50) === 0;
}

/** The caller asked to stop; nothing was produced. */
export class TrainingCancelledError extends Error {
  override readonly name = "TrainingCancelledError";
  /** Iterations that were complete. */
  readonly iteration: number;

  constructor(iteration: number) {
    super(`training was cancelled [after ${iteration} iterations]`);
    this.iteration = iteration;
  }
}

/** @throws {TrainingCancelledError} when the hook asks to stop */
export function stopIfAsked(hooks: TrainingHooks | undefined, iteration: number): void {
  if (hooks?.shouldStop?.() === true) throw new TrainingCancelledError(iteration);
}
