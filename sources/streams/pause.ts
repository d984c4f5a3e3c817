import { setTimeout as wait } from "node:timers/promises";

/** Waits; returns at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch {
    // Aborted: the caller looks at the signal.
  }
}
