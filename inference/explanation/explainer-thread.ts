import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ExplainedRows, FromExplanationThread, ToExplanationThread } from "./messages.ts";

export interface ExplainerThreadOptions {
  /** Longest time from asking to the answer in ms, waiting included; then the thread is ended. Default 10 000. */
  readonly deadlineMs?: number;
  /** Models held; the one that was not asked for longest goes. Default 8. */
  readonly maxModels?: number;
  /** Rows that may wait; above it requests are refused as `overloaded`. Default 1 000. */
  readonly maxQueueRows?: number;
  /** Heap of the thread in MiB. Default 1 024. */
  readonly memoryLimitMb?: number;
}

/** A trained model as the thread is given it. */
export interface ExplainedModel {
  /** Version digest. */
  readonly key: string;
  readonly nFeatures: number;
  /** Reads the verified explanation document. */
  readonly read: () => Promise<Uint8Array>;
}

const YOUNG_GENERATION_MB = 8;

interface Pending {
  readonly nRows: number;
  readonly resolve: (explained: ExplainedRows | undefined) => void;
  readonly reject: (error: Error) => void;
}

type Request = ToExplanationThread extends infer T ? (T extends unknown ? Omit<T, "id"> : never) : never;

/**
 * A thread that computes exact contributions, so that neither the event loop of the HTTP process nor the children that
 * answer predictions wait for them. It starts when it is first needed; one that hangs, runs out of memory or dies fails
 * what it was asked and is started anew by the next request.
 */
export class ExplainerThread {
  readonly #options: Required<ExplainerThreadOptions>;
  readonly #pending = new Map<number, Pending>();
  /** Loading or loaded models, the most recently asked for last. */
  readonly #models = new Map<string, Promise<void>>();
  #worker: Worker | undefined;
  #nextId = 1;
  #isClosed = false;

  constructor(options: ExplainerThreadOptions = {}) {
    this.#options = {
      deadlineMs: 10_000,
      maxModels: 8,
      maxQueueRows: 1_000,
      memoryLimitMb: 1_024,
      ...options,
    };
  }

  /**
   * Contributions of some rows.
   *
   * @param rows row-major (nRows × nFeatures), NaN = missing; copied
   * @throws {PlatformError} overloaded, prediction_deadline, model_output_invalid (the document explains other answers)
   */
  async explain(model: ExplainedModel, rows: Float64Array, nRows: number): Promise<ExplainedRows> {
    let waiting = 0;
    for (const pending of this.#pending.values()) waiting += pending.nRows;
    if (waiting + nRows > this.#options.maxQueueRows)
      throw new PlatformError("overloaded", `explain [${waiting} rows waiting]: the queue is full`);
    await this.load(model);
    const explained = await this.#ask({ type: "explain", key: model.key, rows, nRows }, nRows);
    if (explained !== undefined) return explained;
    throw new PlatformError("model_output_invalid", `explain [${model.key}]: there is no answer`);
  }

  /** Loads a model, unless it is; throws as `explain` does, and what reading it throws. */
  async load({ key, nFeatures, read }: ExplainedModel): Promise<void> {
    let loading = this.#models.get(key);
    this.#models.delete(key);
    loading ??= this.#read({ key, nFeatures, read });
    this.#models.set(key, loading);
    this.#dropOldest();
    try {
      await loading;
    } catch (error) {
      if (this.#models.get(key) === loading) this.#models.delete(key);
      throw error;
    }
  }

  /** Forgets a model, unless it is not held. */
  drop(key: string): void {
    if (!this.#models.delete(key)) return;
    // It may be gone with its thread; nobody waits for this.
    this.#ask({ type: "drop", key }, 0).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  async #read({ key, nFeatures, read }: ExplainedModel): Promise<void> {
    const bytes = await read();
    await this.#ask({ type: "load", key, bytes, nFeatures }, 0);
  }

  #dropOldest(): void {
    for (const key of [...this.#models.keys()].slice(0, -this.#options.maxModels)) {
      this.drop(key);
    }
  }

  #ask(request: Request, nRows: number): Promise<ExplainedRows | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new PlatformError("overloaded", "explain: the server is stopping");
      const worker = (this.#worker ??= this.#start());
      const id = this.#nextId++;
      const timer = setTimeout(
        () => this.#lose(worker, "no answer before the deadline"),
        this.#options.deadlineMs,
      );
      const settle = (): void => {
        clearTimeout(timer);
        this.#pending.delete(id);
      };
      this.#pending.set(id, {
        nRows,
        resolve: (explained) => (settle(), resolve(explained)),
        reject: (error) => (settle(), reject(error)),
      });
      worker.postMessage({ ...request, id } satisfies ToExplanationThread);
    });
  }

  #start(): Worker {
    const url = new URL(
      import.meta.url.endsWith(".ts") ? "../../dist/inference/explanation/thread.js" : "./thread.js",
      import.meta.url,
    );
    const worker = new Worker(fileURLToPath(url), {
      // Nothing of the server's environment (database URLs, keys) is needed there.
      env: {},
      // Reading a model makes much that is garbage at once: a young generation of the usual size would keep tens of MiB of it.
      resourceLimits: {
        maxOldGenerationSizeMb: this.#options.memoryLimitMb,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    worker.unref();
    worker.on("message", (reply: FromExplanationThread) => this.#receive(reply));
    worker.on("error", (error) => this.#lose(worker, error.message));
    worker.on("exit", () => this.#lose(worker, "the thread ended"));
    return worker;
  }

  #receive(reply: FromExplanationThread): void {
    const pending = this.#pending.get(reply.id);
    if (reply.type === "done") pending?.resolve(reply.explained);
    else pending?.reject(new PlatformError("model_output_invalid", `explain: ${reply.message}`));
  }

  /** Fails everything that was asked of a thread, which is gone; what it had loaded is forgotten. */
  #lose(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#models.clear();
    void worker.terminate();
    for (const pending of this.#pending.values())
      pending.reject(new PlatformError("prediction_deadline", `explain: ${why}`));
  }
}
