export interface AssetRate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Buckets that are full again are forgotten when there are so many. */
const MAX_BUCKETS = 100_000;

/** A token bucket for each asset: `burst` at once, `perSecond` in the long run. */
export class AssetLimiter {
  readonly #rate: AssetRate;
  readonly #buckets = new Map<number, Bucket>();

  constructor(rate: AssetRate) {
    this.#rate = rate;
  }

  /** @returns whether one more reading may pass */
  take(seriesKey: number, nowMs: number): boolean {
    const { perSecond, burst } = this.#rate;
    let bucket = this.#buckets.get(seriesKey);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#forgetFull(nowMs);
      this.#buckets.set(seriesKey, (bucket = { tokens: burst, at: nowMs }));
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.at) / 1_000) * perSecond);
    bucket.at = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #forgetFull(nowMs: number): void {
    const { perSecond, burst } = this.#rate;
    for (const [key, { tokens, at }] of this.#buckets) {
      if (tokens + ((nowMs - at) / 1_000) * perSecond >= burst) this.#buckets.delete(key);
    }
  }
}
