export interface AssetRate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** When there are so many, those that are full again are forgotten, and else the oldest. */
const MAX_BUCKETS = 100_000;
/** Of the oldest so many at once: a map that loses its first entry again and again is slow to find the next. */
const FORGOTTEN_AT_ONCE = 10_000;
/** All of them are looked at this often at most: a stranger with a million assets may not have it done for each. */
const LOOK_EVERY_MS = 1_000;

/** A token bucket for each asset: `burst` at once, `perSecond` in the long run. */
export class AssetLimiter {
  readonly #rate: AssetRate;
  readonly #buckets = new Map<number, Bucket>();
  #lookedAt = -Infinity;

  constructor(rate: AssetRate) {
    this.#rate = rate;
  }

  /** @returns whether one more reading may pass */
  take(seriesKey: number, nowMs: number): boolean {
    const { perSecond, burst } = this.#rate;
    let bucket = this.#buckets.get(seriesKey);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#forget(nowMs);
      this.#buckets.set(seriesKey, (bucket = { tokens: burst, at: nowMs }));
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.at) / 1_000) * perSecond);
    bucket.at = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #forget(nowMs: number): void {
    if (nowMs - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = nowMs;
      const { perSecond, burst } = this.#rate;
      for (const [key, { tokens, at }] of this.#buckets) {
        if (tokens + ((nowMs - at) / 1_000) * perSecond >= burst) this.#buckets.delete(key);
      }
    }
    if (this.#buckets.size < MAX_BUCKETS) return;
    let nLeft = FORGOTTEN_AT_ONCE;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      if (--nLeft === 0) return;
    }
  }
}
