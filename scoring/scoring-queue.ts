import type { AssetSeries } from "./asset-series.ts";

export interface ScoringQueueOptions {
  /** Time between two scores of one asset by one model, in ms. */
  readonly everyMs: number;
  /** Scores series of one model; those that it gives back are tried again. Must not throw. */
  readonly score: (series: readonly AssetSeries[]) => Promise<readonly AssetSeries[]>;
  /** Rows of one call. */
  readonly maxRows?: number;
}

interface Waiting {
  readonly series: AssetSeries;
  readonly dueAt: number;
}

/** What arrives within this time is one batch of the model. */
const TICK_MS = 10;
const RETRY_MS = 500;
const MAX_ROWS = 512;
const FORGET_EVERY_MS = 60_000;

/**
 * Which assets are to be scored when: at once with the first reading, then at most every so often, always with the newest
 * features. However many readings come, each asset waits in one place.
 */
export class ScoringQueue {
  readonly #options: ScoringQueueOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #scoredAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #isClosed = false;
  #forgotAt = 0;

  constructor(options: ScoringQueueOptions) {
    this.#options = options;
  }

  get nWaiting(): number {
    return this.#waiting.size;
  }

  /** An asset has new features. */
  add(series: AssetSeries): void {
    if (this.#isClosed) return;
    const key = keyOf(series);
    const scoredAt = this.#scoredAt.get(key) ?? -Infinity;
    const dueAt =
      this.#waiting.get(key)?.dueAt ?? Math.max(performance.now(), scoredAt + this.#options.everyMs);
    this.#waiting.set(key, { series, dueAt });
    this.#plan();
  }

  /** Scores what waits and ends. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#working;
    this.#isClosed = true;
    await this.#scoreDue(Infinity);
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#working !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#working = this.#scoreDue(performance.now()).finally(() => {
        this.#working = undefined;
        if (this.#waiting.size > 0) this.#plan();
      });
    }, TICK_MS);
  }

  async #scoreDue(now: number): Promise<void> {
    const due = new Map<string, AssetSeries[]>();
    for (const [key, { series, dueAt }] of this.#waiting) {
      if (dueAt > now) continue;
      this.#waiting.delete(key);
      this.#scoredAt.set(key, performance.now());
      const batch = due.get(series.model.digest);
      if (batch === undefined) due.set(series.model.digest, [series]);
      else batch.push(series);
    }
    const maxRows = this.#options.maxRows ?? MAX_ROWS;
    for (const batch of due.values()) {
      for (let at = 0; at < batch.length; at += maxRows)
        this.#again(await this.#options.score(batch.slice(at, at + maxRows)));
    }
    this.#forget();
  }

  #again(series: readonly AssetSeries[]): void {
    for (const one of series) {
      const key = keyOf(one);
      if (!this.#waiting.has(key))
        this.#waiting.set(key, { series: one, dueAt: performance.now() + RETRY_MS });
    }
  }

  /** Assets that may be scored at once need no note of when they were. */
  #forget(): void {
    const now = performance.now();
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    for (const [key, at] of this.#scoredAt) if (at + this.#options.everyMs < now) this.#scoredAt.delete(key);
  }
}

const keyOf = ({ model, asset }: AssetSeries): string => `${model.digest} ${asset}`;
