import type { PerformancePeriod, PerformanceReport } from "../../schemas/models/performance-report.ts";
import { escapeHtml } from "../../schemas/text/html.ts";
import { BLUE, htmlPage, htmlTable, numberCell, percentCell, RED, section } from "../pages/page-parts.ts";

export interface PerformancePageInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly checkedAt: string;
  readonly report: PerformanceReport;
}

/** One self-contained page of a check: the verdict, realized and expected quality over time, and every window with its metrics. */
export function renderPerformancePage(input: PerformancePageInput): string {
  const { model, version, checkedAt, report } = input;
  const { metric, baseline, tolerance, limit } = report;
  const title = `${model}@${version}: performance`;
  const held =
    baseline === null
      ? "The version has no baseline."
      : `Baseline: ${metric} ${numberCell(baseline.value)} on ${baseline.n} rows of its holdout; degraded is what is wholly beyond ${numberCell(limit)} (${percentCell(tolerance)} worse).`;
  return htmlPage(title, [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="state ${report.state}">${escapeHtml(stateText(report))}</p>`,
    `<p>${escapeHtml(report.reason)}</p>`,
    `<p>${escapeHtml(held)} By the labels that were there at ${escapeHtml(checkedAt)}; a window is of the predictions that were made in it. Intervals are 95 %, by asset.</p>`,
    section(`${escapeHtml(metric)} over time`, plot(input)),
    section("Before labels", estimateTable(report)),
    section("Windows", `${learntText(report)}${periodTable(report)}`),
    section("All metrics of the windows", metricsTable(report)),
  ]);
}

/** Degradation that was found once is only suspected. */
function stateText({ state, confirmation }: PerformanceReport): string {
  if (state === "degraded")
    return confirmation.stage === "confirmed" ? "degraded, confirmed" : "degraded, suspected once";
  return state.replaceAll("_", " ");
}

function estimateTable({ estimate }: PerformanceReport): string {
  if (estimate.state === "not_available")
    return `<p>Not available: ${escapeHtml(estimate.reason ?? "")}.</p>`;
  const how = estimate.method === "cbpe" ? "calibrated probabilities" : "the errors of the folds";
  const rows = Object.entries(estimate.metrics).map(([name, value]) => {
    const [low, high] = estimate.intervals[name] ?? [null, null];
    return [name, numberCell(value), numberCell(low), numberCell(high)];
  });
  return `<p>Expected of the ${estimate.n} newest predictions, by ${how}; realized ones would lie between low and high.</p>${htmlTable(["metric", "expected", "low", "high"], rows)}`;
}

function learntText({ periods }: PerformanceReport): string {
  const n = periods.reduce((sum, { learntRows }) => sum + learntRows, 0);
  return n === 0
    ? ""
    : `<p>${n} predictions are about rows that the version learnt from; they are not judged.</p>`;
}

const dayOf = (time: string): string => time.slice(0, 16).replace("T", " ");

function periodTable({ periods, metric }: PerformanceReport): string {
  return htmlTable(
    [
      "from",
      "to",
      "version",
      "predictions",
      "labelled",
      "of these",
      "learnt",
      "assets",
      metric,
      "low",
      "high",
      "expected",
    ],
    periods.map((period) => {
      const [low, high] = period.intervals[metric] ?? [null, null];
      return [
        dayOf(period.since),
        dayOf(period.until),
        `@${period.version}`,
        String(period.predictions),
        String(period.labelled),
        percentCell(period.looked === 0 ? null : period.labelled / period.looked),
        String(period.learntRows),
        String(period.assets),
        ...[period.metrics[metric], low, high, period.estimated[metric]].map(numberCell),
      ];
    }),
  );
}

function metricsTable({ periods }: PerformanceReport): string {
  const names = [...new Set(periods.flatMap(({ metrics }) => Object.keys(metrics)))];
  if (names.length === 0) return "";
  return htmlTable(
    ["to", "version", ...names],
    periods.map(({ until, version, metrics }) => [
      dayOf(until),
      `@${version}`,
      ...names.map((name) => numberCell(metrics[name])),
    ]),
  );
}

const WIDTH = 640;
const HEIGHT = 240;
const LEFT = 60;
const BOTTOM = 200;

/** Realized as dots with their intervals, expected as rings, the baseline and its limit as lines. */
function plot({ report, digest }: PerformancePageInput): string {
  const { periods, metric, baseline, limit } = report;
  const drawn = periods.toReversed().filter((period) => period.digest === digest);
  const values = [
    ...drawn.flatMap((period) => [
      period.metrics[metric],
      period.estimated[metric],
      ...(period.intervals[metric] ?? []),
    ]),
    baseline?.value,
    limit ?? undefined,
  ].filter((value) => value !== undefined);
  if (values.length === 0 || drawn.length === 0) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const range = high > low ? high - low : 1;
  const y = (value: number): string => (BOTTOM - ((value - low) / range) * (BOTTOM - 12)).toFixed(1);
  const step = (WIDTH - LEFT - 20) / drawn.length;
  const x = (i: number): string => (LEFT + (i + 0.5) * step).toFixed(1);
  const line = (value: number | null | undefined, style: string): string =>
    value === null || value === undefined ? "" : `<path d="M${LEFT} ${y(value)}H${WIDTH - 10}" ${style}/>`;
  const marks = drawn.map((period, i) => markOf(period, { metric, x: x(i), y })).join("");
  const days = drawn
    .map(
      ({ until }, i) =>
        `<text x="${x(i)}" y="${BOTTOM + 18}" text-anchor="middle">${escapeHtml(until.slice(0, 10))}</text>`,
    )
    .join("");
  const ends = `<text x="${LEFT - 6}" y="${y(high)}" text-anchor="end">${numberCell(high)}</text><text x="${LEFT - 6}" y="${y(low)}" text-anchor="end">${numberCell(low)}</text>`;
  const legend = `<p><span style="color:${RED}">●</span> realized, with its interval <span style="color:${BLUE}">○</span> expected — baseline, dashed its limit</p>`;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" font-size="11" font-family="system-ui,sans-serif" role="img">${line(baseline?.value, `stroke="#8a94a3"`)}${line(limit, `stroke="${RED}" stroke-dasharray="4 4"`)}${marks}${days}${ends}</svg>${legend}`;
}

function markOf(
  { metrics, intervals, estimated }: PerformancePeriod,
  { metric, x, y }: { readonly metric: string; readonly x: string; readonly y: (value: number) => string },
): string {
  const [realized, expected, interval] = [metrics[metric], estimated[metric], intervals[metric]];
  return [
    interval === undefined ? "" : `<path d="M${x} ${y(interval[0])}V${y(interval[1])}" stroke="${RED}"/>`,
    realized === undefined ? "" : `<circle cx="${x}" cy="${y(realized)}" r="4" fill="${RED}"/>`,
    expected === undefined
      ? ""
      : `<circle cx="${x}" cy="${y(expected)}" r="5" fill="none" stroke="${BLUE}"/>`,
  ].join("");
}
