import { setTimeout as sleep } from "node:timers/promises";

/** A case took longer than it may: something is stuck. */
export class TooLateError extends Error {}

/** Point in time, on the monotonic clock, after which a case has failed. */
export type DeadlineMs = number;

export const inMs = (ms: number): DeadlineMs => performance.now() + ms;

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
  isFinal: (error: unknown) => boolean = () => false,
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
    await sleep(100);
  }
}
