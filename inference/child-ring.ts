import type { CheckedPoolOptions } from "./pool-options.ts";
import { loadIntoChild, ModelLoadError, restartDelayMs, startChild } from "./child-slot.ts";
import type { ReadyChild } from "./child-slot.ts";
import type { ServedModel } from "./served-model.ts";

/** One place in the ring; `ready` is the child that serves there, none while it is being replaced. */
export interface RingSlot {
  ready: ReadyChild | undefined;
  /** Restarts in a row; forgotten once a child lived for a while. */
  failures: number;
  startedAt: number;
  isRenewing: boolean;
}

export interface ChildStatus {
  readonly pid: number | null;
  readonly isAlive: boolean;
  readonly isBusy: boolean;
  readonly models: number;
  readonly rssBytes: number;
  /** Restarts in a row. */
  readonly failures: number;
}

/** A model on its way into the ring. */
interface WaitingModel {
  readonly model: ServedModel;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A child that lived this long counts as healthy again. */
const HEALTHY_AFTER_MS = 30_000;
/** A child over its memory limit is not replaced again before this: its models may simply be that large. */
const RECYCLE_PAUSE_MS = 30_000;
/** A child that has loaded so many models is ended and not used again: what onnxruntime keeps of each must not pile up. */
const MAX_LOADS = 32;
const MAX_INSPECTED = 1_000;
/** Attempts to start a child for a new model before the load fails. */
const START_ATTEMPTS = 3;

/**
 * The K children of a pool and the models they all hold: starts, replaces and ends them.
 *
 * A child is installed in its slot only when it holds every model, so a slot is either whole or empty.
 * Replacing is start → load → warm → switch → drain: the slot goes over in one synchronous step, and the
 * child that was there drops its models after the batch it runs. It is the next one to load: starting a process
 * copies the page tables of this one, which holds up all its requests for 0.1 ms a megabyte.
 */
export class ChildRing {
  readonly slots: readonly RingSlot[];
  private readonly options: CheckedPoolOptions;
  private readonly onFree: () => void;
  private readonly models = new Map<string, ServedModel>();
  /** Hashes of files that a child has inspected and loaded, also of versions that are not served now: they come back. */
  private readonly inspected = new Set<string>();
  private readonly ending = new Set<Promise<void>>();
  /** Children that load their models and serve nothing yet. */
  private readonly starting = new Set<ReadyChild>();
  /** Without models, for the next slot that needs a child. */
  private spare: ReadyChild | undefined;
  private readonly waiting: WaitingModel[] = [];
  private adding: Promise<void> | undefined;
  private isClosed = false;

  /** @param onFree called when a child was installed and may take a batch */
  constructor(options: CheckedPoolOptions, onFree: () => void) {
    this.options = options;
    this.onFree = onFree;
    this.slots = Array.from({ length: options.children }, () => ({
      ready: undefined,
      failures: 0,
      startedAt: 0,
      isRenewing: false,
    }));
  }

  /**
   * Brings one more model into every slot, one slot after the other; the first one proves it. Models that
   * come while others load travel together: a start with twenty champions starts each child twice, not twenty
   * times.
   * @throws {Error} when the model cannot be loaded; the children that serve are as before
   */
  add(model: ServedModel): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ model, resolve, reject });
      this.adding ??= this.addWaiting().finally(() => (this.adding = undefined));
    });
  }

  private async addWaiting(): Promise<void> {
    // Loads that are asked for in the same turn belong together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      let batch: readonly WaitingModel[] = this.waiting.splice(0);
      for (const slot of this.slots) batch = await this.addToSlot(slot, batch);
      for (const { resolve } of batch) resolve();
    }
  }

  /** @returns those of `batch` that the slot now holds; the others were rejected */
  private async addToSlot(slot: RingSlot, batch: readonly WaitingModel[]): Promise<readonly WaitingModel[]> {
    let left = batch;
    while (left.length > 0) {
      try {
        const ready = await this.prepare(left.map(({ model }) => model));
        for (const { model } of left) this.models.set(model.key, model);
        this.install(slot, ready);
        return left;
      } catch (error) {
        const isOfOne = error instanceof ModelLoadError && left.some(({ model }) => model.key === error.key);
        const isToBlame = ({ model }: WaitingModel): boolean => !isOfOne || model.key === error.key;
        for (const failed of left.filter(isToBlame)) {
          this.remove(failed.model.key);
          failed.reject(error);
        }
        left = left.filter((waiting) => !isToBlame(waiting));
      }
    }
    return left;
  }

  /** Forgets a model; the caller has seen to it that none of its requests is left. */
  remove(key: string): void {
    this.models.delete(key);
    for (const { ready } of this.slots) {
      if (ready?.keys.delete(key) === true) ready.child.drop(key);
    }
  }

  /** Watchdog: deadlines, memory. */
  look(now: number): void {
    for (const slot of this.slots) {
      const { ready } = slot;
      if (ready === undefined) continue;
      ready.child.checkDeadline(now);
      if (slot.failures > 0 && now - slot.startedAt > HEALTHY_AFTER_MS) slot.failures = 0;
      const { rssBytes, pid } = ready.child;
      if (rssBytes > this.options.memoryLimitMb * 2 ** 20 && now - slot.startedAt > RECYCLE_PAUSE_MS) {
        this.options.onEvent({ type: "child_recycled", pid, rssBytes });
        slot.startedAt = now;
        void this.renew(slot);
      }
    }
    for (const starting of this.starting) starting.child.checkDeadline(now);
  }

  /** Tells that a batch ended: a child that was replaced meanwhile may go. */
  batchEnded(slot: RingSlot, ready: ReadyChild): void {
    if (slot.ready !== ready) this.letGo(ready);
  }

  status(): ChildStatus[] {
    return this.slots.map(({ ready, failures }) => ({
      pid: ready?.child.pid ?? null,
      isAlive: ready?.child.isAlive ?? false,
      isBusy: ready?.child.isBusy ?? false,
      models: ready?.keys.size ?? 0,
      rssBytes: ready?.child.rssBytes ?? 0,
      failures,
    }));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const starting of this.starting) starting.child.kill();
    for (const slot of this.slots) {
      if (slot.ready !== undefined) this.retire(slot.ready);
      slot.ready = undefined;
    }
    if (this.spare !== undefined) this.retire(this.spare);
    await Promise.all(this.ending);
  }

  /** A child with all models and the `extra` ones; not yet in a slot. */
  private async prepare(extra: readonly ServedModel[] = []): Promise<ReadyChild> {
    for (let attempt = 1; ; attempt++) {
      const began = performance.now();
      const ready = this.takeSpare() ?? startChild(this.options.niceness);
      this.starting.add(ready);
      try {
        await this.loadMissing(ready, extra);
        const ms = Math.round(performance.now() - began);
        this.options.onEvent({ type: "child_started", pid: ready.child.pid, models: ready.keys.size, ms });
        return ready;
      } catch (error) {
        ready.child.kill();
        const isOfExtra = error instanceof ModelLoadError && extra.some(({ key }) => key === error.key);
        if (isOfExtra || attempt === START_ATTEMPTS || this.isClosed) throw error;
        await this.pause(attempt, error);
      } finally {
        this.starting.delete(ready);
      }
    }
  }

  /** Models may be added or removed while others load, hence the loop until nothing is missing. */
  private async loadMissing(ready: ReadyChild, extra: readonly ServedModel[]): Promise<void> {
    for (;;) {
      const wanted = [...this.models.values(), ...extra];
      const missing = wanted.find(({ key }) => !ready.keys.has(key));
      if (missing === undefined) return;
      const { sha256 } = missing;
      await loadIntoChild(ready, missing, {
        options: this.options,
        isInspected: this.inspected.has(sha256),
      });
      this.remember(sha256);
    }
  }

  private remember(sha256: string): void {
    this.inspected.delete(sha256);
    this.inspected.add(sha256);
    const [oldest] = this.inspected;
    if (this.inspected.size > MAX_INSPECTED && oldest !== undefined) this.inspected.delete(oldest);
  }

  private async pause(failures: number, error: unknown): Promise<void> {
    const retryInMs = restartDelayMs(failures);
    const message = error instanceof Error ? error.message : String(error);
    this.options.onEvent({ type: "child_start_failed", message, retryInMs });
    await new Promise((resolve) => setTimeout(resolve, retryInMs));
  }

  private install(slot: RingSlot, ready: ReadyChild): void {
    if (this.isClosed) return ready.child.kill();
    const old = slot.ready;
    slot.ready = ready;
    slot.startedAt = performance.now();
    if (old !== undefined && !old.child.isBusy) this.letGo(old);
    void ready.child.exited.then(() => this.lost(slot, ready));
    this.onFree();
  }

  private lost(slot: RingSlot, ready: ReadyChild): void {
    if (slot.ready !== ready || ready.child.isRetired || this.isClosed) return;
    slot.ready = undefined;
    this.options.onEvent({ type: "child_lost", pid: ready.child.pid, reason: ready.child.lostBy });
    void this.renew(slot);
  }

  /** Puts a fresh child into the slot, trying until it works or the pool closes. */
  private async renew(slot: RingSlot): Promise<void> {
    if (slot.isRenewing) return;
    slot.isRenewing = true;
    try {
      while (!this.isClosed) {
        await new Promise((resolve) => setTimeout(resolve, restartDelayMs(slot.failures)));
        slot.failures++;
        const ready = await this.prepare().catch(() => undefined);
        if (ready === undefined) continue;
        this.install(slot, ready);
        return;
      }
    } finally {
      slot.isRenewing = false;
    }
  }

  private takeSpare(): ReadyChild | undefined {
    const { spare } = this;
    this.spare = undefined;
    return spare?.child.isAlive === true ? spare : undefined;
  }

  /** A child that serves no more is the spare one, or ends. */
  private letGo(ready: ReadyChild): void {
    const { child, keys, nLoads } = ready;
    const isWorn = nLoads >= MAX_LOADS || child.rssBytes > this.options.memoryLimitMb * 2 ** 20;
    const hasSpare = this.spare?.child.isAlive === true;
    if (isWorn || hasSpare || this.isClosed || !child.isAlive) return this.retire(ready);
    for (const key of keys) child.drop(key);
    keys.clear();
    this.spare = ready;
  }

  private retire(ready: ReadyChild): void {
    const ended = ready.child.retire().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }
}
