/** What the activity thread sends to a CPU thread. Arrays over shared memory are not copied. */
export interface ThreadRequest<Name extends string> {
  readonly job: Name;
  readonly input: unknown;
  /** One Int32: 1 asks the job to stop at its next iteration. */
  readonly stopFlag: SharedArrayBuffer;
  /** Whether anybody listens: a message for every round costs both threads. */
  readonly isWatched: boolean;
  /** Cores that boosting may use, 1 or more. */
  readonly nThreads: number;
}

export type ThreadReply =
  | { readonly kind: "progress"; readonly progress: unknown }
  | { readonly kind: "checkpoint"; readonly checkpoint: unknown }
  | { readonly kind: "done"; readonly output: unknown }
  | { readonly kind: "failed"; readonly error: unknown };
