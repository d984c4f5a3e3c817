import { formatIsoMicros } from "../../schemas/text/iso-time.ts";
import type { OnlineFeatures, OnlineRow } from "../../schemas/live/online-features.ts";
import type { CachedFeatures } from "../../stores/redis/feature-cache.ts";

/** Answers kept at most. */
const MAX_ANSWERS = 10_000;

interface Remembered {
  readonly cachedAt: number;
  readonly reply: OnlineFeatures | OnlineRow;
}

/**
 * The last answers of scorers, in this process: what the API answers from while none of them does. Those asked for longest ago
 * go first.
 */
export class RememberedFeatures {
  readonly #answers = new Map<string, Remembered>();

  keep(key: string, answer: Remembered): void {
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
  }

  find(key: string): Remembered | undefined {
    return this.#answers.get(key);
  }
}

/** The newer of what this process remembers and what the shared cache has. */
export function newerOf(
  form: "features" | "row",
  own: Remembered | undefined,
  shared: CachedFeatures | undefined,
): Remembered | undefined {
  if (shared === undefined || (own !== undefined && own.cachedAt >= shared.cachedAt)) return own;
  return { cachedAt: shared.cachedAt, reply: shared[form] };
}

/** An earlier answer as it stands now: older, perhaps stale by now, and told to be no answer of a scorer. */
export function agedReply({ cachedAt, reply }: Remembered, nowMs: number): OnlineFeatures | OnlineRow {
  const passed = Math.max(0, nowMs - cachedAt) / 1_000;
  const ageSeconds = reply.ageSeconds === null ? null : reply.ageSeconds + passed;
  const isStale = ageSeconds !== null && ageSeconds > reply.ttlSeconds;
  const warning = `features: no scorer answers; these are of ${formatIsoMicros(cachedAt * 1_000)}`;
  const head = {
    ...reply,
    ageSeconds,
    status: isStale ? ("stale" as const) : reply.status,
    warnings: [...reply.warnings, warning],
  };
  const reason = `the newest reading is older than ${reply.ttlSeconds} s`;
  if ("features" in reply) {
    const features = reply.features.map((feature) => ({
      ...feature,
      ageSeconds,
      ...(isStale ? { status: "stale" as const, reason } : {}),
    }));
    return { ...head, features };
  }
  const unfit = isStale
    ? reply.row.map((_, index) => ({ index, status: "stale" as const, reason }))
    : reply.unfit;
  return { ...head, unfit };
}
