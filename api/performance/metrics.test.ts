import { Registry } from "prom-client";
import { expect, it } from "vitest";
import type { PerformanceVerdictRow } from "../../stores/postgres/port.ts";
import { watchPerformance } from "./metrics.ts";

const verdict: PerformanceVerdictRow = {
  id: "pump/2026-01-02",
  model: "pump",
  version: 3,
  digest: "d".repeat(64),
  checkedAt: "2026-01-02T00:00:00.000Z",
  state: "degraded",
  confirmed: true,
  metric: "rmse",
  value: 14.5,
  labelled: 321,
};
const report = {
  kind: "aura.performance/1",
  state: "degraded",
  reason: "",
  metric: "rmse",
  direction: "lower",
  tolerance: 0.1,
  minLabels: 100,
  baseline: { value: 12, low: 11, high: 13, n: 400 },
  limit: 13.2,
  judged: null,
  confirmation: { stage: "confirmed", checks: 2 },
  estimate: {
    state: "available",
    method: "error_model",
    reason: null,
    n: 9,
    metrics: { mae: 7 },
    intervals: {},
  },
  periods: [],
};

it("shows the newest check of each model, and keeps it while the database is away", async () => {
  const registry = new Registry();
  let rows: readonly PerformanceVerdictRow[] | undefined = [
    verdict,
    { ...verdict, id: "fan", model: "fan", value: null },
  ];
  watchPerformance(registry, () => ({
    newest: async () => {
      if (rows === undefined) throw new Error("away");
      return [...rows];
    },
    get: async (id) => ({ ...verdict, id, report: id === "fan" ? { kind: "of a later release" } : report }),
  }));
  const first = await registry.metrics();
  for (const line of [
    'aura_performance_state{model="pump",version="3",state="degraded"} 1',
    'aura_performance_degraded{model="pump"} 1',
    'aura_performance_checked_seconds{model="pump"} 1767312000',
    'aura_performance_labelled{model="pump"} 321',
    'aura_performance_realized{model="pump",metric="rmse"} 14.5',
    'aura_performance_baseline{model="pump",metric="rmse"} 12',
    'aura_performance_estimated{model="pump",metric="mae"} 7',
  ])
    expect(first).toContain(`${line}\n`);
  // Nothing was realized of it, and what its report says is not known.
  expect(first).not.toMatch(/aura_performance_(realized|baseline|estimated)\{model="fan"/);
  rows = undefined;
  expect(await registry.metrics()).toBe(first);
  rows = [];
  expect(await registry.metrics()).not.toContain('model="pump"');
});
