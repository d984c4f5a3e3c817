import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { ERROR_CODES } from "../schemas/error-codes.ts";
import type { ErrorCode } from "../schemas/error-codes.ts";
import { isPlatformError } from "../schemas/platform-error.ts";
import { sqlStateOf } from "../stores/postgres/connection/database-errors.ts";

/**
 * The one mapping from our errors to Temporal's: `type` is the code, bad input is not retried, and the
 * locations travel as details so that the CLI can print line and field.
 *
 * Anything else is a defect and stays a plain, retryable error, so that a fixed worker can finish the run.
 */
export function toFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (isPlatformError(error)) {
    const { retryable } = ERROR_CODES[error.code];
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !retryable,
      details: [{ locations: error.locations, details: error.details }],
      cause: error,
    });
  }
  const state = sqlStateOf(error);
  // A value or statement that PostgreSQL refuses is refused again: the run fails now and not after minutes of retries.
  if (state !== undefined && REFUSED_CLASSES.has(state.slice(0, 2))) {
    const message = `PostgreSQL refused a statement [SQLSTATE ${state}]`;
    return ApplicationFailure.create({
      type: "internal" satisfies ErrorCode,
      message,
      nonRetryable: true,
      cause: error as Error,
    });
  }
  return error;
}

/** SQLSTATE classes: data exception, integrity constraint, syntax or access rule. */
const REFUSED_CLASSES: ReadonlySet<string> = new Set(["22", "23", "42"]);

type AsyncFunction = (input: never) => Promise<unknown>;

/** Wraps every activity of a factory so that what it throws passes through `toFailure`. */
export function withFailures<T extends Record<string, AsyncFunction>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, fn]) => [
    name,
    async (input: never) => {
      try {
        return await fn(input);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
