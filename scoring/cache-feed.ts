import type { CachedFeatures, FeatureCache } from "../stores/redis/feature-cache.ts";
import type { AssetSeries } from "./asset-series.ts";
import { featuresOf, rowOf } from "./feature-reply.ts";

/** Updates within this time are written together, each asset once. */
const GATHER_MS = 100;
const MOST_AT_ONCE = 500;

/** Keeps the shared cache at the newest features; while it is away the newest of each asset waits no longer than a write takes. */
export class CacheFeed {
  readonly #cache: FeatureCache;
  readonly #waiting = new Map<string, AssetSeries>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(cache: FeatureCache) {
    this.#cache = cache;
  }

  add(series: AssetSeries): void {
    this.#waiting.set(`${series.model.model} ${series.asset}`, series);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#cache.close();
  }

  #flush(): void {
    this.#writing = this.#write().finally(() => {
      this.#timer = undefined;
      if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#flush(), GATHER_MS);
    });
  }

  async #write(): Promise<void> {
    const batch = [...this.#waiting].slice(0, MOST_AT_ONCE);
    for (const [key] of batch) this.#waiting.delete(key);
    await this.#cache.put(batch.map(([, series]) => cached(series)));
  }
}

function cached(series: AssetSeries): CachedFeatures {
  const cachedAt = Date.now();
  return { cachedAt, features: featuresOf(series, cachedAt), row: rowOf(series, cachedAt) };
}
