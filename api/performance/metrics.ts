import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { performanceReportSchema } from "../../schemas/models/performance-report.ts";
import type { PerformanceReport } from "../../schemas/models/performance-report.ts";
import type { PerformanceStore, PerformanceVerdictRow } from "../../stores/postgres/port.ts";

/** Models shown: many must not drown the scrape. */
const MAX_MODELS = 100;

interface Checked {
  readonly verdict: PerformanceVerdictRow;
  /** undefined: of a form that is not known. */
  readonly report: PerformanceReport | undefined;
}

type Sample = readonly [labels: Record<string, string>, value: number];

interface PerformanceGauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly values: (checked: Checked) => readonly Sample[];
}

const GAUGES: readonly PerformanceGauge[] = [
  {
    name: "aura_performance_state",
    help: "1 for what the newest performance check came to: ok, degraded, insufficient_labels or not_available.",
    labelNames: ["model", "version", "state"],
    values: ({ verdict: { model, version, state } }) => [[{ model, version: String(version), state }, 1]],
  },
  {
    name: "aura_performance_degraded",
    help: "1 where checks in a row found the champion worse than its holdout by more than the tolerance.",
    labelNames: ["model"],
    values: ({ verdict: { model, confirmed } }) => [[{ model }, confirmed ? 1 : 0]],
  },
  {
    name: "aura_performance_checked_seconds",
    help: "When the newest performance check looked, seconds since 1970.",
    labelNames: ["model"],
    values: ({ verdict: { model, checkedAt } }) => [[{ model }, Date.parse(checkedAt) / 1_000]],
  },
  {
    name: "aura_performance_labelled",
    help: "Labelled predictions of the window that was judged.",
    labelNames: ["model"],
    values: ({ verdict: { model, labelled } }) => [[{ model }, labelled]],
  },
  {
    name: "aura_performance_realized",
    help: "Realized metric of the window that was judged.",
    labelNames: ["model", "metric"],
    values: ({ verdict: { model, metric, value } }) => (value === null ? [] : [[{ model, metric }, value]]),
  },
  {
    name: "aura_performance_baseline",
    help: "The same metric on the holdout of the version.",
    labelNames: ["model", "metric"],
    values: ({ verdict: { model, metric }, report }) => {
      const baseline = report?.baseline ?? null;
      return baseline === null ? [] : [[{ model, metric }, baseline.value]];
    },
  },
  {
    name: "aura_performance_estimated",
    help: "Metrics of the newest predictions as they are to be expected, before labels.",
    labelNames: ["model", "metric"],
    values: ({ verdict: { model }, report }) =>
      Object.entries(report?.estimate.metrics ?? {}).map(([metric, value]) => [{ model, metric }, value]),
  },
];

/**
 * Shows the newest performance check of each model on a registry, asked of the database once a scrape; while that is away the last
 * numbers stand. A report is read once and kept until a newer one is there.
 */
export function watchPerformance(
  registry: Registry,
  performance: () => Pick<PerformanceStore, "newest" | "get">,
): void {
  const reader = new NewestChecks(performance);
  for (const { name, help, labelNames, values } of GAUGES) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [],
        async collect() {
          const checked = await reader.read().catch(() => undefined);
          if (checked === undefined) return;
          this.reset();
          for (const [labels, value] of checked.flatMap(values)) this.set(labels, value);
        },
      }),
    );
  }
}

/** The newest checks; all gauges of one scrape share one reading. */
class NewestChecks {
  readonly #performance: () => Pick<PerformanceStore, "newest" | "get">;
  #known = new Map<string, Checked>();
  #reading: Promise<Checked[]> | undefined;

  constructor(performance: () => Pick<PerformanceStore, "newest" | "get">) {
    this.#performance = performance;
  }

  read(): Promise<Checked[]> {
    this.#reading ??= this.#readNow().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readNow(): Promise<Checked[]> {
    const store = this.#performance();
    const newest = (await store.newest()).slice(0, MAX_MODELS);
    const checked = await Promise.all(
      newest.map(async (verdict): Promise<Checked> => {
        const before = this.#known.get(verdict.model);
        if (before?.verdict.id === verdict.id) return before;
        const { data } = performanceReportSchema.safeParse((await store.get(verdict.id))?.report);
        return { verdict, report: data };
      }),
    );
    this.#known = new Map(checked.map((one) => [one.verdict.model, one]));
    return checked;
  }
}
