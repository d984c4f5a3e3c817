/** How a caller watches and ends a training from outside, the same for every trainer. */

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
