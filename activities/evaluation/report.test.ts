import { expect, it } from "vitest";
import type { Evaluation, Signature } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";
import { searchSections } from "./report-search.ts";
import { renderReport } from "./report.ts";

const evaluation: Evaluation = {
  kind: "aura.evaluation/1",
  dataset: "d".repeat(64),
  holdout: "e".repeat(64),
  labelConvention: "positive class; all holdout rows",
  primaryMetric: "f1",
  candidate: "gbdt",
  metrics: { test: { f1: 0.7 }, cv: { f1: 0.6 } },
  intervals: {},
  candidates: [],
  slices: [
    { column: "site", value: "<img src=x onerror=alert(1)>", rows: 40, assets: 4, metrics: { f1: 0.9 } },
    { column: "site", value: "3 rarer values", bucket: "other", rows: 5, assets: 3, metrics: {} },
  ],
  thresholds: [{ threshold: 0.31, missedFailures: 2, falseAlarms: 4, cost: 2200 }],
  threshold: 0.31,
  costs: { missedFailure: 1000, falseAlarm: 50, currency: "<b>" },
  calibration: {
    trials: [
      { method: "platt", logLoss: 0.31, brier: 0.09 },
      { method: "none", logLoss: 0.42, brier: 0.11 },
    ],
    expectedError: 0.04,
    bins: [{ low: 0, high: 0.1, nRows: 50, meanPredicted: 0.02, observedRate: 0.04 }],
  },
  explanation: {
    loss: "logLoss",
    features: [{ name: "<i>heat", rise: 0.125, deviation: 0.01 }],
    columns: [{ name: "heat", rise: 0.2, deviation: 0.01 }],
    dependence: [{ feature: "<i>heat", values: [1, 2], answers: [0.1, 0.9] }],
  },
  importance: [],
  rows: { train: 300, test: 100, cv: 300 },
  checks: [],
};

const signature: Pick<Signature, "inputs" | "output"> = {
  inputs: [
    { name: "<i>heat", kind: "number", unit: "<b>°C", nullable: true },
    { name: "load", kind: "number", nullable: true },
  ],
  output: { name: "probability" },
};

it("shows the chosen threshold with its cost, calibration and slices, all of it escaped", () => {
  const page = renderReport({
    pipeline: { name: "pumps" } as Pipeline,
    evaluation,
    problem: {
      kind: "binary",
      metricTask: "binary",
      primaryMetric: "f1",
      nClasses: 2,
      cap: null,
      bounds: null,
    },
    signature,
    truth: Float64Array.of(0, 1),
    prediction: Float64Array.of(0.1, 0.9),
    trials: [],
  });
  expect(page).toContain("<td>0.31 (chosen)</td><td>2</td><td>4</td><td>2200</td>");
  expect(page).toContain("failure rows not alerted × 1000 + false alarms × 50 &lt;b&gt;");
  expect(page).toContain("Expected calibration error 0.04");
  expect(page).toContain("site = &lt;img src=x onerror=alert(1)&gt;");
  expect(page).toContain("site = (3 rarer values)");
  expect(page).toContain("Slices of fewer than 10 rows have no metrics.");
  expect(page).toContain("<td>platt (chosen)</td><td>0.31</td>");
  expect(page).toContain("Rise of the log loss on the holdout");
  expect(page).toContain("The 1 features of the largest gain were tried, of 2");
  expect(page).toContain("&lt;i&gt;heat (&lt;b&gt;°C)");
  expect(page).toContain("mean probability, 0.1 to 0.9");
  expect(page).not.toMatch(/<img|<b>|<i>/);
});

it("draws forecasts with what came, and tells what each quantile covers", () => {
  const ahead = [
    { time: 0, quantiles: [5, 5, 5] },
    { time: 1, quantiles: [4, 6, 9] },
  ];
  const page = renderReport({
    pipeline: { name: "pumps" } as Pipeline,
    evaluation: {
      ...evaluation,
      quantiles: [{ horizon: "6h", level: 0.9, observed: 0.875, rows: 80 }],
    },
    problem: {
      kind: "forecast",
      metricTask: "forecast",
      primaryMetric: "pinball",
      nClasses: 1,
      cap: null,
      bounds: null,
      forecast: { column: "<b>heat", horizons: ["6h"], spans: [1], quantiles: [0.1, 0.5, 0.9] },
    },
    signature: { ...signature, output: { name: "quantiles", unit: "bar" } },
    truth: Float64Array.of(1, Number.NaN, 3),
    prediction: Float64Array.of(1, 2, 3),
    fans: [{ asset: "<i>m1", times: [-2, -1, 0, 1], values: [3, 4, 5, 7], ahead }],
    trials: [],
  });
  expect(page).toContain("<h3>&lt;i&gt;m1</h3><svg");
  expect(page).toContain("&lt;b&gt;heat of some assets in the middle of the holdout");
  expect(page).toContain("mean median at the nearest horizon (bar), 0.1 to 0.9");
  expect(page).toContain("<td>6h</td><td>0.9</td><td>0.875</td><td>80</td>");
  // The row without a truth is not drawn; nothing is drawn where there is no number.
  expect(page.match(/<circle[^>]*r="3"/g)).toHaveLength(2);
  expect(page).not.toContain("NaN");
});

it("draws how a search went on, and what its objective hangs on", () => {
  const trials = Array.from({ length: 12 }, (_, number): TrialView => {
    const value = 1 + ((number * 5) % 12) / 12;
    return {
      candidate: "<b>gbdt",
      number,
      state: number % 4 === 3 ? "pruned" : "complete",
      parameters: { rate: value, leaves: 7 + (number % 2) },
      objectives: [{ metric: "rmse", value, loss: value }],
      loss: value,
      metrics: {},
      folds: [],
      seconds: number,
      seed: 1,
    };
  });
  const sections = searchSections(trials);
  expect(sections).toHaveLength(1);
  const content = sections[0]?.content ?? "";
  expect(content).toContain("12 trials: 9 complete, 3 pruned, 0 failed");
  expect(content.match(/<circle/g)).toHaveLength(12);
  expect(content).not.toContain("Share of the variance");
  const many = searchSections([
    ...trials,
    ...trials.map((trial) => ({ ...trial, number: trial.number + 12 })),
  ]);
  expect(many[0]?.content).toContain("Share of the variance of rmse");
  // Nothing of it depends on how long it took.
  expect(searchSections(trials.map((trial) => ({ ...trial, seconds: 99 })))).toEqual(sections);
  expect(searchSections([])).toEqual([]);
});
