import { expect, it } from "vitest";
import type { Evaluation } from "../../schemas/models/model-version.ts";
import { Output } from "../output.ts";
import type { ModelVersion } from "./version-view.ts";
import { showVersion } from "./version-view.ts";

const DIGEST = "d".repeat(64);

const evaluation: Evaluation = {
  kind: "aura.evaluation/1",
  dataset: DIGEST,
  holdout: DIGEST,
  labelConvention: "positive class; all holdout rows",
  primaryMetric: "f1",
  candidate: "gbdt",
  metrics: { test: { f1: 0.7, recall: 0.8 }, cv: { f1: 0.6, recall: 0.7 } },
  intervals: { f1: [0.65, 0.75] },
  candidates: [],
  slices: [
    { column: "site", value: "Nord", rows: 40, assets: 4, metrics: { f1: 0.9, recall: 1 } },
    { column: "site", value: "no value", bucket: "missing", rows: 3, assets: 1, metrics: {} },
  ],
  thresholds: [
    { threshold: 0.5, precision: 0.6, recall: 0.8, f1: 0.7, alerts: 9, missedFailures: 1, falseAlarms: 2 },
  ],
  threshold: 0.5,
  importance: [],
  rows: { train: 300, test: 100, cv: 300 },
  checks: [],
};

function shownOf(changed: Partial<Evaluation> = {}, more: Partial<ModelVersion> = {}): string {
  let shown = "";
  const stream = { write: (text: string) => (shown += text) };
  showVersion(new Output({ stdout: stream, stderr: stream, environment: {} }), {
    model: "pumps",
    version: 3,
    digest: DIGEST,
    stage: "production",
    aliases: ["champion"],
    dataset: DIGEST,
    runId: "r1",
    createdAt: "2026-01-01T00:00:00Z",
    gates: [{ name: "champion", passed: false, detail: "a tie" }],
    evaluation: { ...evaluation, ...changed },
    ...more,
  });
  return shown;
}

it("shows metrics with intervals, the threshold, slices and gates", () => {
  const shown = shownOf();
  expect(shown).toContain("pumps@3 (production, champion)");
  expect(shown).toContain("report   aura models report pumps@3");
  expect(shown).toMatch(/f1 \* +0\.7 +0\.65 … 0\.75 +0\.6/);
  expect(shown).toContain("alerts from 0.5 on: 9 alerts");
  expect(shown).toContain("1 failure rows not alerted, 2 false alarms (no costs are declared)");
  expect(shown).toMatch(/slice +rows +assets +f1 +recall/);
  expect(shown).toMatch(/site = Nord +40 +4 +0\.9 +1/);
  expect(shown).toMatch(/site = \(no value\) +3 +1 +under 10 rows/);
  expect(shown).toContain("champion: a tie");
});

it("shows a version without threshold and slices, and rows without assets", () => {
  const shown = shownOf({ threshold: 0.7, slices: [] });
  expect(shown).not.toMatch(/alerts from|slice/);
  const [slice] = evaluation.slices;
  expect(shownOf({ slices: slice === undefined ? [] : [{ ...slice, assets: 40 }] })).toMatch(
    /slice +rows +f1 +recall/,
  );
});

it("says how far answers can be trusted, and what the model leans on", () => {
  const shown = shownOf({
    calibration: {
      trials: [
        { method: "isotonic", logLoss: 0.31, brier: 0.09 },
        { method: "none", logLoss: 0.42, brier: 0.11 },
      ],
      expectedError: 0.02,
      bins: [],
    },
    interval: { level: 0.9, trials: [{ method: "normalised", coverage: 0.901, meanWidth: 31.5 }] },
    importance: [{ feature: "heat", gain: 0.8 }],
    explanation: {
      loss: "logLoss",
      features: [{ name: "heat", rise: 0.125, deviation: 0.01 }],
      columns: [{ name: "heat", rise: 0.2, deviation: 0.01 }],
      dependence: [],
    },
  });
  expect(shown).toContain("calibration isotonic: cross-validated log loss 0.31, uncalibrated 0.42");
  expect(shown).toContain(
    "90 % intervals, normalised: coverage 0.901 cross-validated, - on the holdout, mean width 31.5",
  );
  expect(shown).toMatch(/feature +logLoss rise +± +gain/);
  expect(shown).toMatch(/heat +0\.125 +0\.01 +0\.8/);
  expect(shown).toMatch(/all of heat +0\.2 +0\.01 +-/);
});

it("says from which score it alerts, and what that did out of fold", () => {
  const outOfFold = { threshold: 4.2, alertShare: 0.01, alertRows: 12, alertsPerAssetMonth: 0.3 };
  expect(shownOf({}, { threshold: 4.25, outOfFold })).toContain(
    "alerts   from 4.25 on; out of fold 1 % of the readings alerted, 0.3 days of each asset in a month",
  );
  expect(shownOf({}, { threshold: 4.25, outOfFold: null })).toMatch(/alerts   from 4\.25 on\n/);
});
