import { Context } from "@temporalio/activity";

/** What a running activity tells Temporal: who it is for people, how far, and where to go on after a crash. */
export interface Beat {
  readonly signal: AbortSignal;
  /** Latest progress; sent with the next beat. */
  report(details: unknown): void;
  stop(): void;
}

const BEAT_EVERY_MS = 1_000;

/**
 * Heartbeats once a second for as long as the activity runs, so that a dead worker is noticed in seconds and
 * cancellation reaches the work. Call `stop` in a finally block.
 */
export function startHeartbeat(): Beat {
  const context = Context.current();
  // What an attempt before this one came to stays known until there is news: this one may be killed at once as well.
  let details: unknown = context.info.heartbeatDetails;
  context.heartbeat(details);
  const timer = setInterval(() => context.heartbeat(details), BEAT_EVERY_MS);
  return {
    signal: context.cancellationSignal,
    report: (next) => void (details = next),
    stop: () => clearInterval(timer),
  };
}

/** Runs work under a heartbeat. */
export async function withHeartbeat<T>(work: (beat: Beat) => Promise<T>): Promise<T> {
  const beat = startHeartbeat();
  try {
    return await work(beat);
  } finally {
    beat.stop();
  }
}

type AsyncFunction = (input: never) => Promise<unknown>;

/**
 * Lets short activities beat as well, once they last longer than a second: a killed worker is then noticed by the
 * heartbeat timeout of seconds and not by the whole time the activity may take. One that ends sooner costs nothing.
 */
export function withLateHeartbeat<T extends Record<string, AsyncFunction>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, fn]) => [
    name,
    async (input: never) => {
      const context = Context.current();
      const timer = setInterval(() => context.heartbeat(), BEAT_EVERY_MS);
      try {
        return await fn(input);
      } finally {
        clearInterval(timer);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
