import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { CpuJobName, CpuJobInput, CpuJobOutput } from "./jobs.ts";
import type { ThreadReply, ThreadRequest } from "./thread-messages.ts";

export interface CpuCallbacks {
  readonly signal?: AbortSignal;
  /** Progress of the job's loop, as the job gives it. */
  readonly onProgress?: (progress: { readonly iteration: number; readonly of: number }) => void;
  /** All that a resume of the job needs, as the job gives it. */
  readonly onCheckpoint?: (checkpoint: unknown) => void;
}

/** How long a job that was asked to stop may take to reach its next iteration before its thread is ended. */
const STOP_GRACE_MS = 2_000;

/**
 * Threads for pure computation, so that the activity thread stays free to heartbeat. Threads are kept between jobs;
 * how many run at once is the worker's concurrency, not a limit of this pool.
 *
 * A training alone uses every core, several at once their share; what is trained does not depend on it.
 */
export class CpuPool {
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #nCores: number;
  #nTrainings = 0;
  readonly #entry = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);

  /** @param nCores  cores that trainings share */
  constructor(nCores = availableParallelism()) {
    this.#nCores = nCores;
  }

  /** Does work that trains, job after job: for as long as it lasts it has its share of the cores. */
  async whileTraining<T>(work: () => Promise<T>): Promise<T> {
    this.#nTrainings += 1;
    try {
      return await work();
    } finally {
      this.#nTrainings -= 1;
    }
  }

  /** `run` as the only job of its training. */
  train: CpuPool["run"] = (job, input, callbacks) =>
    this.whileTraining(() => this.run(job, input, callbacks));

  /**
   * Runs one job on a thread.
   * @throws what the job throws, or the signal's reason when cancelled
   */
  async run<K extends CpuJobName>(
    job: K,
    input: CpuJobInput<K>,
    callbacks: CpuCallbacks = {},
  ): Promise<CpuJobOutput<K>> {
    callbacks.signal?.throwIfAborted();
    const thread = this.#idle.pop() ?? this.#start();
    const stopFlag = new SharedArrayBuffer(4);
    let stopTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      Atomics.store(new Int32Array(stopFlag), 0, 1);
      stopTimer = setTimeout(() => void thread.terminate(), STOP_GRACE_MS);
    };
    callbacks.signal?.addEventListener("abort", stop, { once: true });
    try {
      const nThreads = Math.max(1, Math.floor(this.#nCores / Math.max(1, this.#nTrainings)));
      const isWatched = callbacks.onProgress !== undefined;
      const request: ThreadRequest<K> = { job, input, stopFlag, nThreads, isWatched };
      thread.postMessage(request);
      const output = await this.#reply(thread, callbacks);
      return output as CpuJobOutput<K>;
    } catch (error) {
      callbacks.signal?.throwIfAborted();
      // The pure rooms say with a RangeError that the data or a setting is out of range: trying again cannot help.
      if (error instanceof RangeError) {
        throw new PlatformError("not_enough_data", `${job}: ${error.message}`, { cause: error });
      }
      throw error;
    } finally {
      clearTimeout(stopTimer);
      callbacks.signal?.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.terminate()));
  }

  #start(): Worker {
    const thread = new Worker(this.#entry);
    this.#all.add(thread);
    thread.once("exit", () => {
      this.#all.delete(thread);
      const place = this.#idle.indexOf(thread);
      if (place >= 0) this.#idle.splice(place, 1);
    });
    // A thread that waits for work must not keep the process alive.
    thread.unref();
    return thread;
  }

  #reply(thread: Worker, callbacks: CpuCallbacks): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void, isReusable: boolean) => {
        thread.off("message", onMessage).off("error", onError).off("exit", onExit);
        if (isReusable) this.#idle.push(thread);
        finish();
      };
      const onMessage = (reply: ThreadReply) => {
        if (reply.kind === "progress")
          callbacks.onProgress?.(reply.progress as { iteration: number; of: number });
        else if (reply.kind === "checkpoint") callbacks.onCheckpoint?.(reply.checkpoint);
        else if (reply.kind === "done") settle(() => resolve(reply.output), true);
        else settle(() => reject(reply.error), true);
      };
      const onError = (error: Error) => settle(() => reject(error), false);
      const onExit = (code: number) =>
        settle(() => reject(new Error(`CPU thread ended with code ${code}`)), false);
      thread.on("message", onMessage).on("error", onError).on("exit", onExit);
    });
  }
}
