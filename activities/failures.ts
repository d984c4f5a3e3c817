import { Context } from "@temporalio/activity";
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from "@temporalio/common";
import { ERROR_CODES } from "../schemas/error-codes.ts";
import type { ErrorCode, ErrorCodeRow } from "../schemas/error-codes.ts";
import { boundedLocations } from "../schemas/error-location.ts";
import { isPlatformError } from "../schemas/platform-error.ts";
import { MAX_PAYLOAD_BYTES } from "../temporal-config/constants.ts";
import { holdingFetched } from "../stores/objects/fetch-scope.ts";
import { sqlStateOf } from "../stores/postgres/connection/database-errors.ts";

/**
 * The one mapping from our errors to Temporal's: `type` is the code, bad input is not retried, and the
 * locations travel as details so that the CLI can print line and field.
 *
 * A dependency that is away is waited for as long as the activity's timeouts allow. Anything else is a defect: it stays
 * a plain, retryable error for some attempts, so that a worker that is mended meanwhile can finish the run, and then
 * ends it.
 *
 * @param attempt number of the activity's attempt, from 1
 */
export function toFailure(error: unknown, attempt: number): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (isPlatformError(error)) {
    const { retryable, benign }: ErrorCodeRow = ERROR_CODES[error.code];
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !retryable,
      ...(benign === true ? { category: ApplicationFailureCategory.BENIGN } : {}),
      details: [{ locations: boundedLocations(error.locations), details: error.details }],
      cause: error,
    });
  }
  const state = sqlStateOf(error);
  // A value or statement that PostgreSQL refuses is refused again: the run fails now and not after minutes of retries.
  if (state !== undefined && REFUSED_CLASSES.has(state.slice(0, 2))) {
    return defect(`PostgreSQL refused a statement [SQLSTATE ${state}]`, error);
  }
  if (attempt < DEFECT_ATTEMPTS) return error;
  return defect(error instanceof Error ? error.message : String(error), error);
}

/** Attempts after which an unknown error is taken for what it is: about a minute with the presets' back-off. */
const DEFECT_ATTEMPTS = 10;

function defect(message: string, cause: unknown): ApplicationFailure {
  const type: ErrorCode = "internal";
  const because = cause instanceof Error ? { cause } : {};
  return ApplicationFailure.create({ type, message, nonRetryable: true, ...because });
}

/** SQLSTATE classes: data exception, integrity constraint, syntax or access rule. */
const REFUSED_CLASSES: ReadonlySet<string> = new Set(["22", "23", "42"]);

type AsyncFunction = (input: never) => Promise<unknown>;

/**
 * Wraps every activity of a factory: what it throws passes through `toFailure`, what it returns stays below the
 * payload limit, as large things travel by reference, and what it fetches stays in the cache until it ends.
 */
export function withFailures<T extends Record<string, AsyncFunction>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, fn]) => [
    name,
    async (input: never) => {
      try {
        // What an activity fetched stays in the cache for as long as it runs.
        return requireSmall(name, await holdingFetched(() => fn(input)));
      } catch (error) {
        throw toFailure(error, Context.current().info.attempt);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

function requireSmall<T>(activity: string, result: T): T {
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  if (bytes <= MAX_PAYLOAD_BYTES) return result;
  throw defect(
    `${activity} returned ${bytes} bytes, expected at most ${MAX_PAYLOAD_BYTES}: pass a reference`,
    undefined,
  );
}
