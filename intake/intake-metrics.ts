import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { IntakeEvent } from "./reading-intake.ts";

/** What every process that takes readings counts; names are part of its interface. */
export class IntakeMetrics {
  readonly #batchLag: Histogram<"source" | "adapter">;
  readonly #records: Counter<"source" | "adapter" | "outcome">;

  constructor(registry: Registry) {
    this.#batchLag = new Histogram({
      name: "ingestor_batch_lag_seconds",
      help: "From the arrival of readings to their commit, by source and adapter.",
      labelNames: ["source", "adapter"] as const,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15],
      registers: [registry],
    });
    this.#records = new Counter({
      name: "ingestor_records_total",
      help: "Readings received, by what became of them.",
      labelNames: ["source", "adapter", "outcome"] as const,
      registers: [registry],
    });
  }

  /** Conflicts are counted among the duplicates, and once more by themselves. */
  committed({ reply, adapter, seconds }: IntakeEvent): void {
    const { source } = reply;
    this.#batchLag.observe({ source, adapter }, seconds);
    for (const outcome of ["stored", "duplicate", "conflict", "quarantined", "rejected"] as const) {
      if (reply[outcome] > 0) this.#records.inc({ source, adapter, outcome }, reply[outcome]);
    }
  }
}

/** What the ingestor says of its feeds. */
export class FeedMetrics {
  readonly #isUp: Gauge<"feed" | "kind">;
  readonly #waiting: Gauge<"feed" | "kind">;
  readonly #failures: Counter<"feed" | "kind">;

  constructor(registry: Registry) {
    const labelNames = ["feed", "kind"] as const;
    const registers = [registry];
    this.#isUp = new Gauge({
      name: "ingestor_feed_up",
      help: "1 while the feed brings readings, 0 while it fails.",
      labelNames,
      registers,
    });
    this.#waiting = new Gauge({
      name: "ingestor_feed_waiting_messages",
      help: "Messages behind the position of the feed, where the other side says.",
      labelNames,
      registers,
    });
    this.#failures = new Counter({
      name: "ingestor_feed_failures_total",
      help: "Times that the feed failed and was begun again.",
      labelNames,
      registers,
    });
  }

  isRunning(feed: string, kind: string): void {
    this.#isUp.set({ feed, kind }, 1);
  }

  hasFailed(feed: string, kind: string): void {
    this.#isUp.set({ feed, kind }, 0);
    this.#failures.inc({ feed, kind });
  }

  waits(feed: string, kind: string, nMessages: number): void {
    this.#waiting.set({ feed, kind }, nMessages);
  }

  hasEnded(feed: string, kind: string): void {
    this.#isUp.remove({ feed, kind });
    this.#waiting.remove({ feed, kind });
  }
}
