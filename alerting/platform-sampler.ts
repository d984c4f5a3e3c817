import type { Registry } from "prom-client";
import type { PlatformMetric } from "../schemas/alerts/alert-rule.ts";

export interface PlatformSamplerOptions {
  readonly registry: Registry;
  readonly put: (metric: PlatformMetric, value: number) => Promise<void>;
  /** Default 30 s. */
  readonly everyMs?: number;
}

const EVERY_MS = 30_000;

/** The histograms whose means are what AURA watches of itself. */
const HISTOGRAMS: Readonly<Record<PlatformMetric, string>> = {
  predict_latency_seconds: "aura_request_duration_seconds",
  ingest_lag_seconds: "ingestor_batch_lag_seconds",
};

interface Total {
  readonly sum: number;
  readonly count: number;
}

/**
 * Writes down every half minute how long things took on average since the last time. Where nothing happened nothing is written: no
 * request is not a fast one.
 */
export class PlatformSampler {
  readonly #options: PlatformSamplerOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #totals = new Map<PlatformMetric, Total>();

  constructor(options: PlatformSamplerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.sample(), options.everyMs ?? EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A sample that cannot be written is lost: it is one of many. */
  async sample(): Promise<void> {
    for (const metric of Object.keys(HISTOGRAMS) as PlatformMetric[]) {
      const total = await this.#totalOf(HISTOGRAMS[metric]);
      if (total === undefined) continue;
      const before = this.#totals.get(metric) ?? { sum: 0, count: 0 };
      this.#totals.set(metric, total);
      const count = total.count - before.count;
      if (count > 0) await this.#options.put(metric, (total.sum - before.sum) / count).catch(() => undefined);
    }
  }

  /** Of all its labels. */
  async #totalOf(name: string): Promise<Total | undefined> {
    const metric = await this.#options.registry.getSingleMetric(name)?.get();
    if (metric === undefined) return undefined;
    const total = { sum: 0, count: 0 };
    for (const value of metric.values) {
      if (!("metricName" in value)) continue;
      if (value.metricName === `${name}_sum`) total.sum += value.value;
      if (value.metricName === `${name}_count`) total.count += value.value;
    }
    return total;
  }
}
