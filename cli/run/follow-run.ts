import { setTimeout as sleep } from "node:timers/promises";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import type { ErrorCode } from "../../schemas/error-codes.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import type { PlatformError } from "../../schemas/platform-error.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";

export interface FollowOptions {
  readonly onView?: (view: RunView) => void;
  /** Told each time when what is asked has been away for a moment, or the run is not there yet. */
  readonly onAway?: (error: PlatformError) => void;
  /** Ends the following early, besides the end of the run. */
  readonly until?: (view: RunView) => boolean;
  readonly signal?: AbortSignal;
  readonly pollMs?: number;
  /** How long the API may be away, or the run unknown right after its start. */
  readonly patienceMs?: number;
  /** Refusals that pass by themselves, besides those of an API that is away; default: `not_found`. */
  readonly awaited?: readonly ErrorCode[];
}

const POLL_MS = 200;
const RESULT_POLL_MS = 400;
/** A killed API is back within seconds; the run itself goes on meanwhile. */
const PATIENCE_MS = 60_000;
/** What passes sooner is not worth a word. */
const UNTOLD_MS = 2_000;

export function isOver(view: RunView): boolean {
  return view.status === "finished" || view.status === "failed" || view.status === "cancelled";
}

/**
 * Reads a run again and again until it is over, or `until` says so. An API that is away for less than
 * `patienceMs` is waited for.
 *
 * @throws {PlatformError} what the API says for longer than that; `signal`'s reason
 */
export async function followRun(
  client: ApiClient,
  runId: string,
  options: FollowOptions = {},
): Promise<RunView> {
  const { onView, until, signal, pollMs = POLL_MS } = options;
  const read = patient(() => client.get(apiPath`/v1/runs/${runId}`, runViewSchema), options);
  for (;;) {
    const view = await read();
    onView?.(view);
    if (isOver(view) || until?.(view) === true) return view;
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** `ask` again and again while what it asks for is awaited or away, for at most `patienceMs` without an answer. */
export function patient<T>(
  ask: () => Promise<T>,
  { signal, pollMs = POLL_MS, patienceMs = PATIENCE_MS, awaited = ["not_found"], onAway }: FollowOptions,
): () => Promise<T> {
  return async () => {
    const asked = performance.now();
    const deadline = asked + patienceMs;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const isExpected =
          isPlatformError(error) && (awaited.includes(error.code) || ERROR_CODES[error.code].retryable);
        if (!isExpected || performance.now() > deadline) throw error;
        if (performance.now() - asked > UNTOLD_MS) onAway?.(error);
      }
      await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
    }
  };
}

/**
 * What asked-for work came to, asked for again and again.
 *
 * @throws {PlatformError} what the API says; `signal`'s reason
 */
export async function untilResult<T>(
  ask: () => Promise<{ readonly result?: T | undefined }>,
  { signal, onAsked }: { readonly signal: AbortSignal; readonly onAsked?: () => void },
): Promise<T> {
  const read = patient(ask, { signal, awaited: [] });
  for (;;) {
    const { result } = await read();
    onAsked?.();
    if (result !== undefined) return result;
    await sleep(RESULT_POLL_MS, undefined, { signal });
  }
}
