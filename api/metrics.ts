import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { IntakeMetrics } from "../intake/intake-metrics.ts";
import type { IntakeEvent } from "../intake/reading-intake.ts";
import type { Reconciliation } from "../stores/postgres/port/reading-upkeep.ts";
import type { PoolEvent } from "../inference/pool-options.ts";

/** Which version a model serves, for the info gauge. */
export interface ServedLabels {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
}

/** Everything the API counts; names are part of its interface. */
export class Metrics {
  readonly registry = new Registry();
  private readonly requests = new Counter({
    name: "aura_request_total",
    help: "Predict requests answered, by model and HTTP status.",
    labelNames: ["model", "status"] as const,
    registers: [this.registry],
  });
  private readonly duration = new Histogram({
    name: "aura_request_duration_seconds",
    help: "Time from the parsed header to the reply of a predict request.",
    labelNames: ["model"] as const,
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
    registers: [this.registry],
  });
  private readonly inProgress = new Gauge({
    name: "aura_request_in_progress",
    help: "Predict requests being answered.",
    registers: [this.registry],
  });
  private readonly batchSize = new Histogram({
    name: "aura_batch_size",
    help: "Rows per run of a model.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 256, 1024],
    registers: [this.registry],
  });
  private readonly freshness = new Gauge({
    name: "aura_feature_freshness_seconds",
    help: "Age of the newest reading of the last request with readings, by model.",
    labelNames: ["model"] as const,
    registers: [this.registry],
  });
  private readonly modelInfo = new Gauge({
    name: "aura_model_info",
    help: "1 for the version that serves.",
    labelNames: ["name", "version", "digest"] as const,
    registers: [this.registry],
  });
  private readonly refusals = new Counter({
    name: "aura_model_load_refused_total",
    help: "Versions that were not put into service, by cause; the old version goes on.",
    labelNames: ["model", "code"] as const,
    registers: [this.registry],
  });
  private readonly untracedRows = new Counter({
    name: "aura_untraced_predictions_total",
    help: "Predictions answered without a trace.",
    registers: [this.registry],
  });
  private readonly tracesSetAside = new Counter({
    name: "aura_trace_set_aside_total",
    help: "Traced rows that the index cannot hold, and segments that cannot be shipped.",
    labelNames: ["what"] as const,
    registers: [this.registry],
  });
  private readonly syncFailures = new Counter({
    name: "aura_trace_sync_failures_total",
    help: "Times that traces could not be put on the disk; each is tried again.",
    registers: [this.registry],
  });
  private readonly openAlerts = new Gauge({
    name: "aura_alerts_open",
    help: "Alerts that nobody looks at yet, by severity.",
    labelNames: ["severity"] as const,
    registers: [this.registry],
  });
  private readonly childEvents = new Counter({
    name: "aura_inference_child_events_total",
    help: "Starts, losses and replacements of inference children.",
    labelNames: ["event"] as const,
    registers: [this.registry],
  });
  private readonly intake = new IntakeMetrics(this.registry);
  private readonly unaccounted = new Gauge({
    name: "ingestor_unaccounted_records",
    help: "Readings that were committed and were not found at the latest reconciliation, by source; 0 is what it must be.",
    labelNames: ["source"] as const,
    registers: [this.registry],
    collect: async () => {
      const latest = await this.reconciliations?.().catch(() => []);
      for (const { source, ledger, found } of latest ?? []) this.unaccounted.set({ source }, ledger - found);
    },
  });
  private reconciliations: (() => Promise<readonly Reconciliation[]>) | undefined;
  private readonly durations = new Map<string, Histogram.Internal<"model">>();
  private readonly counts = new Map<string, Counter.Internal>();

  constructor(hasProcessMetrics = true) {
    if (hasProcessMetrics) collectDefaultMetrics({ register: this.registry });
  }

  /** One predict request begins; the function ends it with its model (empty when unknown) and status. */
  predictBegins(): (model: string, status: number) => void {
    const began = performance.now();
    this.inProgress.inc();
    return (model, status) => {
      this.inProgress.dec();
      this.durationOf(model).observe((performance.now() - began) / 1_000);
      this.countOf(model, status).inc();
    };
  }

  served(now: ServedLabels, before: ServedLabels | undefined): void {
    if (before !== undefined) this.modelInfo.remove(infoLabels(before));
    this.modelInfo.set(infoLabels(now), 1);
  }

  loadRefused(model: string, code: string): void {
    this.refusals.inc({ model, code });
  }

  untraced(nRows: number): void {
    this.untracedRows.inc(nRows);
  }

  setAside(what: "row" | "segment", count: number): void {
    this.tracesSetAside.inc({ what }, count);
  }

  alertsOpen(counts: Readonly<Record<string, number>>): void {
    for (const [severity, count] of Object.entries(counts)) this.openAlerts.set({ severity }, count);
  }

  syncFailed(): void {
    this.syncFailures.inc();
  }

  readingAge(model: string, seconds: number): void {
    this.freshness.set({ model }, seconds);
  }

  /** Where the latest reconciliations are asked for at each scrape; while the database is away the last ones stand. */
  watchReconciliations(ask: () => Promise<readonly Reconciliation[]>): void {
    this.reconciliations = ask;
  }

  readingsCommitted(event: IntakeEvent): void {
    this.intake.committed(event);
  }

  pool(event: PoolEvent): void {
    if (event.type === "batch") this.batchSize.observe(event.nRows);
    else if (event.type.startsWith("child_")) this.childEvents.inc({ event: event.type });
  }

  /** Looking labels up costs more than counting: children are kept. Models and statuses are few. */
  private durationOf(model: string): Histogram.Internal<"model"> {
    let child = this.durations.get(model);
    if (child === undefined) this.durations.set(model, (child = this.duration.labels(model)));
    return child;
  }

  private countOf(model: string, status: number): Counter.Internal {
    const key = `${status} ${model}`;
    let child = this.counts.get(key);
    if (child === undefined) this.counts.set(key, (child = this.requests.labels(model, String(status))));
    return child;
  }
}

const infoLabels = ({ model, version, digest }: ServedLabels) => ({
  name: model,
  version: String(version),
  digest,
});
