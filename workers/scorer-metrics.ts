import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LiveScoring } from "../scoring/live-scoring.ts";

/** What a scorer counts; names are part of its interface. */
export class ScorerMetrics {
  readonly #registry = new Registry();
  readonly #freshness = new Histogram({
    name: "aura_feature_freshness_seconds",
    help: "From the commit of a reading to the features computed from it, by model.",
    labelNames: ["model"] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60],
    registers: [this.#registry],
  });

  readonly #outcomes = new Counter({
    name: "aura_live_scores_total",
    help: "Assets scored as their readings arrived: scored, refused by the policy or for a missing input, or failed.",
    labelNames: ["model", "outcome"] as const,
    registers: [this.#registry],
  });

  readonly #syncFailures = new Counter({
    name: "aura_trace_sync_failures_total",
    help: "Times that traces could not be put on the disk; each is tried again.",
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Counts what the scorer holds, when it is asked. */
  watch(scoring: LiveScoring): void {
    const series = new Gauge({
      name: "aura_scorer_series",
      help: "Assets, once for each model, whose features are in memory.",
      registers: [],
      collect() {
        this.set(scoring.nSeries);
      },
    });
    const shards = new Gauge({
      name: "aura_scorer_shards",
      help: "Shards of assets that this scorer owns.",
      registers: [],
      collect() {
        this.set(scoring.shards.length);
      },
    });
    for (const gauge of [series, shards]) this.#registry.registerMetric(gauge);
  }

  updated(model: string, seconds: number): void {
    if (Number.isFinite(seconds)) this.#freshness.observe({ model }, Math.max(0, seconds));
  }

  scored(model: string, outcome: string, count: number): void {
    this.#outcomes.inc({ model, outcome }, count);
  }

  syncFailed(): void {
    this.#syncFailures.inc();
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
