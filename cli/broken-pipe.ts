import type { EventEmitter } from "node:events";

/** What a shell sees of a program that SIGPIPE ended: 128 + 13. */
export const BROKEN_PIPE_EXIT = 141;

/** The part of `process` that is used. */
export interface PipeProcess {
  listenerCount(name: "SIGTERM"): number;
  emit(name: "SIGTERM", signal: "SIGTERM"): unknown;
  exit(code: number): unknown;
}

/**
 * Ends the process without a word when the reader of its output has gone, as in `aura runs list | head`.
 *
 * Node reports it as an error of the stream instead of dying of SIGPIPE. A command that has something to
 * stop listens to SIGTERM and is ended that way, in order; any other one exits at once.
 *
 * @returns whether a reader has gone
 */
export function watchPipes(
  streams: readonly Pick<EventEmitter, "on">[],
  host: PipeProcess = process,
): () => boolean {
  let isBroken = false;
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    // Every later write fails too; a second SIGTERM would end the process in disorder.
    if (isBroken) return;
    isBroken = true;
    if (host.listenerCount("SIGTERM") > 0) host.emit("SIGTERM", "SIGTERM");
    else host.exit(BROKEN_PIPE_EXIT);
  };
  for (const stream of streams) stream.on("error", onError);
  return () => isBroken;
}
