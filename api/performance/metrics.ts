import type { Registry } from "prom-client";
import { performanceReportSchema } from "../../schemas/models/performance-report.ts";
import type { PerformanceReport } from "../../schemas/models/performance-report.ts";
import type { PerformanceStore, PerformanceVerdictRow } from "../../stores/postgres/port.ts";
import { watchNewestReports } from "../newest-reports.ts";
import type { ReportGauge } from "../newest-reports.ts";

const GAUGES: readonly ReportGauge<PerformanceVerdictRow, PerformanceReport>[] = [
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

/** Shows the newest performance check of each model on a registry. */
export function watchPerformance(
  registry: Registry,
  performance: () => Pick<PerformanceStore, "newest" | "get">,
): void {
  watchNewestReports(registry, { store: performance, schema: performanceReportSchema, gauges: GAUGES });
}
