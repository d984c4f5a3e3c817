import type { ModelOutput } from "./served-model.ts";

/** One waiting request; `rows` is row-major (nRows × nFeatures). */
export interface QueuedRequest {
  readonly key: string;
  readonly rows: Float64Array;
  readonly nRows: number;
  readonly queuedAt: number;
  /** Set once it was part of a batch that was lost: it then travels by itself. */
  isAlone: boolean;
  attempts: number;
  readonly resolve: (output: ModelOutput) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Requests that wait for a child, one FIFO per model.
 *
 * Nothing is held back to fill a batch: what queued while one batch ran is the next batch. Between models
 * the one whose head waits longest goes first, so that a busy model does not starve the others.
 */
export class BatchQueue {
  private readonly queues = new Map<string, QueuedRequest[]>();
  private readonly maxBatchRows: number;
  /** Rows of all waiting requests. */
  nRows = 0;

  constructor(maxBatchRows: number) {
    this.maxBatchRows = maxBatchRows;
  }

  push(request: QueuedRequest): void {
    const queue = this.queues.get(request.key);
    if (queue === undefined) this.queues.set(request.key, [request]);
    else queue.push(request);
    this.nRows += request.nRows;
  }

  /** Puts requests of a lost batch back in front of all others, in their order. */
  putBack(requests: readonly QueuedRequest[]): void {
    for (const request of requests.toReversed()) {
      const queue = this.queues.get(request.key);
      if (queue === undefined) this.queues.set(request.key, [request]);
      else queue.unshift(request);
      this.nRows += request.nRows;
    }
  }

  /**
   * Next batch for a child that has the models `keys`; empty when there is none.
   * A request larger than the batch size, or one that must go alone, is a batch by itself.
   */
  take(keys: ReadonlySet<string>): QueuedRequest[] {
    const queue = this.oldest(keys);
    const first = queue?.shift();
    if (queue === undefined || first === undefined) return [];
    const batch = [first];
    let rows = first.nRows;
    while (!first.isAlone) {
      const next = queue[0];
      if (next === undefined || next.isAlone || rows + next.nRows > this.maxBatchRows) break;
      batch.push(next);
      rows += next.nRows;
      queue.shift();
    }
    this.nRows -= rows;
    return batch;
  }

  /** Removes and returns the requests queued before `before` (ms of the monotonic clock). */
  takeOlderThan(before: number): QueuedRequest[] {
    return this.takeWhere((request) => request.queuedAt < before);
  }

  takeAll(): QueuedRequest[] {
    return this.takeWhere(() => true);
  }

  private takeWhere(isTaken: (request: QueuedRequest) => boolean): QueuedRequest[] {
    const taken: QueuedRequest[] = [];
    for (const [key, queue] of this.queues) {
      const kept = queue.filter((request) => !isTaken(request));
      if (kept.length === queue.length) continue;
      taken.push(...queue.filter((request) => isTaken(request)));
      this.queues.set(key, kept);
    }
    for (const request of taken) this.nRows -= request.nRows;
    return taken;
  }

  private oldest(keys: ReadonlySet<string>): QueuedRequest[] | undefined {
    let oldest: QueuedRequest[] | undefined;
    let since = Infinity;
    for (const [key, queue] of this.queues) {
      const head = queue[0];
      if (head === undefined) {
        this.queues.delete(key);
      } else if (keys.has(key) && head.queuedAt < since) {
        oldest = queue;
        since = head.queuedAt;
      }
    }
    return oldest;
  }
}
