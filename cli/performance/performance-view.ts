import type { PerformancePeriod, PerformanceReport } from "../../schemas/models/performance-report.ts";
import { timeText } from "../list-view.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";
import type { PerformanceRow } from "./performance-check.ts";
import { numberText } from "../run/evaluation-text.ts";
import { textPlot } from "../run/text-plot.ts";

const PLOT = { width: 60, height: 12 } as const;

/** A report for people: the verdict, the windows, and how the metric went. */
export function showPerformance(output: Output, { report, ...row }: PerformanceRow): void {
  output.line(
    `${output.style("bold", stateOf(report))}  ${row.model}@${row.version}, ${row.labelled} labelled`,
  );
  output.line(safeText(report.reason));
  output.line(baselineText(report));
  output.line(estimateText(report));
  if (report.periods.length === 0) return;
  const nLearnt = report.periods.reduce((sum, { learntRows }) => sum + learntRows, 0);
  if (nLearnt > 0)
    output.line(`${nLearnt} predictions are about rows that the version learnt from; they are not judged`);
  output.line();
  output.table(
    ["to", "version", "predictions", "labelled", report.metric, "from", "to", "expected"],
    report.periods.map((period) => [
      timeText(period.until),
      `@${period.version}`,
      String(period.predictions),
      labelledText(period),
      numberText(period.metrics[report.metric] ?? null),
      ...(period.intervals[report.metric] ?? [null, null]).map(numberText),
      numberText(period.estimated[report.metric] ?? null),
    ]),
  );
  const plot = plotOf(report, row.digest);
  if (plot.length === 0) return;
  output.line();
  for (const line of plot) output.line(line);
  output.line("  ● realized  ○ expected  ─ baseline  ┄ limit");
}

function labelledText({ labelled, looked }: PerformancePeriod): string {
  return looked === 0 ? "-" : `${labelled} (${Math.round((100 * labelled) / looked)} %)`;
}

/** Degradation that was found once is only suspected. */
function stateOf({ state, confirmation }: PerformanceReport): string {
  if (state !== "degraded") return state.replaceAll("_", " ");
  return confirmation.stage === "confirmed" ? "degraded, confirmed" : "degraded, suspected";
}

function baselineText({ baseline, metric, limit, tolerance }: PerformanceReport): string {
  if (baseline === null) return "the version has no baseline";
  return `holdout: ${metric} ${numberText(baseline.value)}; degraded beyond ${numberText(limit)} (${100 * tolerance} % worse)`;
}

function estimateText({ estimate, metric }: PerformanceReport): string {
  if (estimate.state === "not_available")
    return `before labels: not available: ${safeText(estimate.reason ?? "")}`;
  const name = metric in estimate.metrics ? metric : (Object.keys(estimate.metrics)[0] ?? metric);
  const [low, high] = estimate.intervals[name] ?? [null, null];
  return `before labels: ${name} ${numberText(estimate.metrics[name] ?? null)} (${numberText(low)} to ${numberText(high)}) expected of ${estimate.n} predictions`;
}

/** The present version over time, oldest window first. */
function plotOf({ periods, metric, baseline, limit }: PerformanceReport, digest: string): string[] {
  const own = periods.filter((period) => period.digest === digest).toReversed();
  if (own.length < 2) return [];
  const along = (value: number | null | undefined): [number, number][] =>
    value === null || value === undefined
      ? []
      : Array.from({ length: PLOT.width }, (_, i) => [(i / (PLOT.width - 1)) * (own.length - 1), value]);
  const over = (valueOf: (period: PerformancePeriod) => number | undefined): [number, number][] =>
    own.flatMap((period, i) => {
      const value = valueOf(period);
      return value === undefined ? [] : [[i, value]];
    });
  return textPlot(
    [
      { mark: "─", points: along(baseline?.value) },
      { mark: "┄", points: along(limit) },
      { mark: "○", points: over(({ estimated }) => estimated[metric]) },
      { mark: "●", points: over(({ metrics }) => metrics[metric]) },
    ],
    { ...PLOT, xTitle: "window", numberText: (value) => numberText(value) },
  );
}
