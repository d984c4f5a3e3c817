import { setTimeout as sleep } from "node:timers/promises";

/** A case took longer than it may: something is stuck. */
export class TooLateError extends Error {}

/** Point in time, on the monotonic clock, after which a case has failed. */
export type DeadlineMs = number;

export const inMs = (ms: number): DeadlineMs => performance.now() + ms;

export interface Patience {
  /** Whether asking again is in vain; by default it never is. */
  readonly isFinal?: (error: unknown) => boolean;
  readonly pauseMs?: number;
}

/**
 * Asks again until there is an answer: parts that were killed are away for a while, which is expected here.
 *
 * @param ask  undefined, or any error but `isFinal`, means not yet
 * @throws {TooLateError} naming what was awaited; what `isFinal` accepts
 */
export async function untilAnswered<T>(
  what: string,
  deadline: DeadlineMs,
  ask: () => Promise<T | undefined>,
  { isFinal = () => false, pauseMs = 100 }: Patience = {},
): Promise<T> {
  let last = "no answer";
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      last = "not yet";
    } catch (error) {
      if (isFinal(error)) throw error;
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > deadline) throw new TooLateError(`${what}: ${last}`);
    await sleep(pauseMs);
  }
}
