import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from "@temporalio/workflow";

/** What a step failed with, without the envelopes that Temporal puts around it. */
export interface FailureCause {
  readonly cause: unknown;
  /** Of schemas/error-codes.ts; `internal` where it has none. */
  readonly code: string;
  readonly message: string;
}

export function causeOf(error: unknown): FailureCause {
  let cause = error;
  while (
    (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) &&
    cause.cause !== undefined
  )
    cause = cause.cause;
  const code = cause instanceof ApplicationFailure && cause.type != null ? cause.type : "internal";
  return { cause, code, message: cause instanceof Error ? cause.message : String(cause) };
}
