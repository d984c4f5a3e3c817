import { PlatformError } from "../schemas/platform-error.ts";
import { BatchQueue } from "./batch-queue.ts";
import type { QueuedRequest } from "./batch-queue.ts";
import { ChildLostError } from "./child-handle.ts";
import { ChildRing } from "./child-ring.ts";
import type { ChildStatus, RingSlot } from "./child-ring.ts";
import { checkModelHash } from "./model-hash.ts";
import { checkPoolOptions } from "./pool-options.ts";
import type { CheckedPoolOptions, PoolOptions } from "./pool-options.ts";
import type { ModelOutput, ServedModel } from "./served-model.ts";

/**
 * A pool of supervised child processes that load and run ONNX models.
 *
 * The caller's thread never touches onnxruntime. Each child holds every model and runs one batch at a time;
 * requests that queue meanwhile are the next batch. A batch that misses its deadline costs its child: the
 * child is killed and replaced, and its requests run again one by one, so that only the one that hangs fails.
 *
 * Loading a model never touches a serving child: others take all models, the new one included, are warmed
 * with its golden vectors and switched in one at a time, while the old ones finish their batch. One of these
 * waits without models for the next load; after some loads it ends, and what onnxruntime keeps of each with it.
 * Every model has its own key (the version digest), so answers of two versions cannot mix.
 */
export interface InferencePool {
  /**
   * Checks, loads and warms a model in every child; afterwards `predict` may name its key. Idempotent.
   * @throws {PlatformError} integrity (hash), model_refused (static checks, loading, golden vectors)
   */
  load(model: ServedModel): Promise<void>;
  /**
   * @param rows row-major (nRows × nFeatures), NaN = missing; not changed, and not to be changed by the caller
   * @throws {PlatformError} not_found (key), invalid_signature_input (Infinity), overloaded,
   *         prediction_deadline, model_output_invalid
   */
  predict(key: string, rows: Float64Array, nRows: number): Promise<ModelOutput>;
  /** Lets running and queued requests of the model end, then forgets it. No effect for unknown keys. */
  unload(key: string): Promise<void>;
  status(): PoolStatus;
  close(): Promise<void>;
}

export interface PoolStatus {
  /** Every child is up with every model. */
  readonly ready: boolean;
  readonly models: readonly string[];
  readonly queuedRows: number;
  readonly children: readonly ChildStatus[];
}

/** Rows of one piece of a large request: other requests run between two pieces. */
const PIECE_ROWS = 1_024;
/** How often deadlines, queue times and memory are looked at. */
const WATCH_INTERVAL_MS = 20;
/** A request may wait this many deadlines for a child, e.g. while one is replaced. */
const QUEUE_DEADLINES = 4;
/** A request that was lost with its child for no fault of its own is run again. */
const MAX_ATTEMPTS = 3;

export function createInferencePool(options: PoolOptions): InferencePool {
  return new ChildProcessPool(checkPoolOptions(options));
}

class ChildProcessPool implements InferencePool {
  private readonly options: CheckedPoolOptions;
  private readonly queue: BatchQueue;
  private readonly ring: ChildRing;
  private readonly models = new Map<string, { readonly nFeatures: number }>();
  private readonly loading = new Map<string, Promise<void>>();
  private readonly unloading = new Map<string, Promise<void>>();
  /** Requests not yet answered, by key. */
  private readonly outstanding = new Map<string, number>();
  private readonly watch: NodeJS.Timeout;
  private isClosed = false;
  private isPumpPlanned = false;
  private readonly pumpPlanned = (): void => {
    this.isPumpPlanned = false;
    this.pump();
  };

  constructor(options: CheckedPoolOptions) {
    this.options = options;
    this.queue = new BatchQueue(options.maxBatchRows);
    this.ring = new ChildRing(options, () => this.pump());
    this.watch = setInterval(() => this.look(), WATCH_INTERVAL_MS);
    this.watch.unref();
  }

  async load(model: ServedModel): Promise<void> {
    if (this.models.has(model.key)) return;
    let loading = this.loading.get(model.key);
    if (loading === undefined) {
      loading = this.loadOnce(model).finally(() => this.loading.delete(model.key));
      this.loading.set(model.key, loading);
    }
    await loading;
  }

  private async loadOnce(model: ServedModel): Promise<void> {
    // A version may come back (rollback) while its last requests still drain.
    await this.unloading.get(model.key);
    try {
      checkModelHash(model);
      await this.ring.add(model);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.options.onEvent({ type: "model_refused", key: model.key, message });
      if (error instanceof PlatformError) throw error;
      throw new PlatformError("model_refused", `load model [${model.key}]: ${message}`, { cause: error });
    }
    this.models.set(model.key, { nFeatures: model.nFeatures });
    this.options.onEvent({ type: "model_loaded", key: model.key });
  }

  predict(key: string, rows: Float64Array, nRows: number): Promise<ModelOutput> {
    // Not `async`: that would be one more promise on the way of every request.
    try {
      const model = this.models.get(key);
      if (model === undefined) throw new PlatformError("not_found", `predict [model ${key}]: not loaded`);
      checkRows(rows, nRows, model.nFeatures);
      return nRows <= PIECE_ROWS ? this.enqueue(key, rows, nRows) : this.predictInPieces(key, rows, nRows);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private async predictInPieces(key: string, rows: Float64Array, nRows: number): Promise<ModelOutput> {
    const width = rows.length / nRows;
    let all: Float64Array | undefined;
    let nOutputs = 1;
    for (let start = 0; start < nRows; start += PIECE_ROWS) {
      const end = Math.min(nRows, start + PIECE_ROWS);
      const piece = await this.enqueue(key, rows.subarray(start * width, end * width), end - start);
      nOutputs = piece.nOutputs;
      all ??= new Float64Array(nRows * nOutputs);
      all.set(piece.values, start * nOutputs);
    }
    return { values: all ?? new Float64Array(0), nOutputs };
  }

  private enqueue(key: string, rows: Float64Array, nRows: number): Promise<ModelOutput> {
    if (this.isClosed) throw new PlatformError("overloaded", "predict: the inference pool is closed");
    if (this.queue.nRows + nRows > Math.max(this.options.maxQueueRows, nRows)) {
      throw new PlatformError("overloaded", `predict [${this.queue.nRows} rows waiting]: the queue is full`);
    }
    return new Promise((resolve, reject) => {
      this.outstanding.set(key, (this.outstanding.get(key) ?? 0) + 1);
      const settle = (): void => void this.outstanding.set(key, (this.outstanding.get(key) ?? 1) - 1);
      this.queue.push({
        key,
        rows,
        nRows,
        queuedAt: performance.now(),
        isAlone: false,
        attempts: 0,
        resolve: (output) => (settle(), resolve(output)),
        reject: (error) => (settle(), reject(error)),
      });
      this.pumpSoon();
    });
  }

  async unload(key: string): Promise<void> {
    if (!this.models.delete(key)) return;
    const unloading = this.drain(key).finally(() => this.unloading.delete(key));
    this.unloading.set(key, unloading);
    await unloading;
  }

  private async drain(key: string): Promise<void> {
    while ((this.outstanding.get(key) ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    this.outstanding.delete(key);
    this.ring.remove(key);
    this.options.onEvent({ type: "model_unloaded", key });
  }

  status(): PoolStatus {
    const children = this.ring.status();
    const ready = !this.isClosed && children.every((c) => c.isAlive && c.models >= this.models.size);
    return { ready, models: [...this.models.keys()], queuedRows: this.queue.nRows, children };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.watch);
    for (const request of this.queue.takeAll()) {
      request.reject(new PlatformError("overloaded", "predict: the inference pool is closing"));
    }
    await this.ring.close();
  }

  /** At the end of this turn of the event loop: what its other sockets bring belongs into the same batch. */
  private pumpSoon(): void {
    if (this.isPumpPlanned) return;
    this.isPumpPlanned = true;
    setImmediate(this.pumpPlanned);
  }

  /** Gives every idle child its next batch. */
  private pump(): void {
    for (const slot of this.ring.slots) {
      if (slot.ready === undefined || slot.ready.child.isBusy || !slot.ready.child.isAlive) continue;
      const batch = this.queue.take(slot.ready.keys);
      if (batch.length > 0) void this.runBatch(slot, batch);
    }
  }

  private async runBatch(slot: RingSlot, batch: readonly QueuedRequest[]): Promise<void> {
    const ready = slot.ready;
    const first = batch[0];
    if (ready === undefined || first === undefined) return;
    const pieces = batch.map((request) => request.rows);
    const nRows = batch.reduce((sum, request) => sum + request.nRows, 0);
    try {
      const answer = await ready.child.run({ key: first.key, pieces, nRows }, this.options.deadlineMs);
      this.options.onEvent({ type: "batch", key: first.key, nRequests: batch.length, nRows });
      splitAnswer(batch, answer.values, answer.nOutputs);
    } catch (error) {
      if (error instanceof ChildLostError) this.rescue(batch, error);
      else for (const request of batch) request.reject(modelFault(error));
    }
    this.ring.batchEnded(slot, ready);
    this.pumpSoon();
  }

  /** After a lost child: the batch's requests run again alone; one that hung alone fails. */
  private rescue(batch: readonly QueuedRequest[], error: ChildLostError): void {
    const isToBlame = error.loss === "deadline" && batch.length === 1;
    const again: QueuedRequest[] = [];
    for (const request of batch) {
      request.isAlone = true;
      request.attempts++;
      if (!isToBlame && request.attempts < MAX_ATTEMPTS && !this.isClosed) again.push(request);
      else
        request.reject(
          new PlatformError("prediction_deadline", `predict: ${error.message}`, { cause: error }),
        );
    }
    this.queue.putBack(again);
  }

  private look(): void {
    const now = performance.now();
    this.ring.look(now);
    const overdue = this.queue.takeOlderThan(now - QUEUE_DEADLINES * this.options.deadlineMs);
    for (const request of overdue) {
      request.reject(new PlatformError("overloaded", "predict: no inference child was free in time"));
    }
  }
}

function checkRows(rows: Float64Array, nRows: number, nFeatures: number): void {
  if (!Number.isInteger(nRows) || nRows < 1 || rows.length !== nRows * nFeatures) {
    const expected = `${nRows} × ${nFeatures}`;
    throw new PlatformError(
      "invalid_signature_input",
      `predict: expected ${expected} values, got ${rows.length}`,
    );
  }
  for (let i = 0; i < rows.length; i++) {
    if (rows[i] === Infinity || rows[i] === -Infinity) {
      throw new PlatformError(
        "invalid_signature_input",
        `predict [row ${Math.floor(i / nFeatures)}]: got Infinity`,
      );
    }
  }
}

function splitAnswer(batch: readonly QueuedRequest[], values: Float64Array, nOutputs: number): void {
  let offset = 0;
  for (const request of batch) {
    const end = offset + request.nRows * nOutputs;
    const part = batch.length === 1 ? values : values.subarray(offset, end);
    offset = end;
    if (part.every((value) => Number.isFinite(value))) request.resolve({ values: part, nOutputs });
    else
      request.reject(
        new PlatformError("model_output_invalid", "predict: the model answered NaN or Infinity"),
      );
  }
}

function modelFault(error: unknown): PlatformError {
  const message = error instanceof Error ? error.message : String(error);
  return new PlatformError("model_output_invalid", `predict: the model failed [${message}]`, {
    cause: error,
  });
}
