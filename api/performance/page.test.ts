import { expect, it } from "vitest";
import type { PerformancePeriod, PerformanceReport } from "../../schemas/models/performance-report.ts";
import { renderPerformancePage } from "./page.ts";

const HOSTILE = '<script>alert("x")</script>';
const DIGEST = "d".repeat(64);
const period = (day: number, over: Partial<PerformancePeriod> = {}): PerformancePeriod => ({
  version: 3,
  digest: DIGEST,
  since: `2026-01-0${day}T00:00:00.000Z`,
  until: `2026-01-0${day + 1}T00:00:00.000Z`,
  predictions: 900,
  looked: 900,
  learntRows: 0,
  labelled: 300,
  censored: 0,
  assets: 40,
  evidence: 12,
  metrics: { rmse: 10 + day },
  intervals: { rmse: [9 + day, 11 + day] },
  estimated: { rmse: 12 },
  ...over,
});
const report = (over: Partial<PerformanceReport> = {}): PerformanceReport => ({
  kind: "aura.performance/1",
  state: "degraded",
  reason: HOSTILE,
  metric: "rmse",
  direction: "lower",
  tolerance: 0.1,
  minLabels: 100,
  baseline: { value: 10, low: 9, high: 11, n: 500 },
  limit: 11,
  judged: { since: period(2).since, until: period(2).until },
  confirmation: { stage: "suspected", checks: 1 },
  estimate: { state: "not_available", method: null, reason: HOSTILE, n: 0, metrics: {}, intervals: {} },
  periods: [
    period(2),
    period(1),
    period(1, { version: 2, digest: "e".repeat(64), metrics: {}, intervals: {} }),
  ],
  ...over,
});
const pageOf = (over: Partial<PerformanceReport> = {}) =>
  renderPerformancePage({
    model: "pump",
    version: 3,
    digest: DIGEST,
    checkedAt: "2026-01-03T00:00:00Z",
    report: report(over),
  });

it("shows the verdict, every window and what was expected, and runs nothing of what it is told", () => {
  const page = pageOf();
  expect(page).toContain("degraded, suspected once");
  expect(page).toContain("33.3 %");
  expect(page).not.toContain("learnt from");
  expect(pageOf({ periods: [period(2, { learntRows: 4 }), period(1, { learntRows: 3 })] })).toContain(
    "7 predictions are about rows that the version learnt from; they are not judged",
  );
  expect(page.match(/<circle/g)).toHaveLength(4);
  expect(page).not.toContain("<script>");
  expect(page).not.toMatch(/src=|href=/);
});

it("is a page without labels, predictions or a baseline as well", () => {
  const nothing = { state: "not_available", baseline: null, limit: null, judged: null, periods: [] } as const;
  const page = pageOf(nothing);
  expect(page).toContain("not available");
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
  const unlabelled = period(1, { looked: 0, labelled: 0, metrics: {}, intervals: {}, estimated: {} });
  expect(pageOf({ periods: [unlabelled], baseline: null, limit: null })).not.toMatch(
    /NaN|Infinity|undefined/,
  );
});
