import { describe, expect, it } from "vitest";
import { approvalEvidenceSchema } from "../../schemas/models/approval-evidence.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { Evaluation, Slice } from "../../schemas/models/model-version.ts";
import { approvalEvidence, evidenceSummary } from "./evidence.ts";

/** What any document that people or workflows get may weigh. */
const LIMIT_BYTES = 128 * 1024;

const slice = (value: string, averagePrecision?: number): Slice => ({
  column: "site",
  value,
  rows: 40,
  assets: 4,
  metrics: averagePrecision === undefined ? {} : { averagePrecision },
});

const evaluation: Evaluation = {
  kind: "aura.evaluation/1",
  dataset: sha256Hex("dataset"),
  holdout: sha256Hex("holdout"),
  labelConvention: "positive class; all holdout rows",
  primaryMetric: "averagePrecision",
  candidate: "gbdt",
  metrics: { test: { averagePrecision: 0.8 }, cv: { averagePrecision: 0.75 } },
  intervals: { averagePrecision: [0.7, 0.9] },
  candidates: [
    { name: "gbdt", kind: "gbdt", cv: {}, test: { averagePrecision: 0.8 } },
    { name: "baseline", kind: "constant", cv: {}, test: { averagePrecision: 0.1 } },
  ],
  slices: [slice("Nord", 0.9), slice("Süd", 0.3), slice("tiny"), slice("West", 0.5)],
  thresholds: [
    row(0.05, { alerts: 60, missedFailures: 0, falseAlarms: 50 }),
    row(0.31, { alerts: 12, missedFailures: 2, falseAlarms: 4 }),
  ],
  threshold: 0.31,
  costs: { missedFailure: 1000, falseAlarm: 50, currency: "EUR" },
  failures: { train: { rows: 20, assets: 5 }, test: { rows: 8, assets: 3, missedAssets: 1 } },
  importance: [],
  rows: { train: 300, test: 100, cv: 300 },
  checks: [],
};

function row(threshold: number, counts: Record<string, number>): Record<string, number> {
  return { threshold, precision: 0.6, recall: 0.8, f1: 0.7, ...counts };
}

const version = { model: "pumps", version: 3, digest: sha256Hex("v"), dataset: sha256Hex("d") };
const dataset = {
  sources: {
    readings: {
      role: "readings",
      nAssets: 12,
      counts: { read: 410, accepted: 400, quarantined: 10, byReason: { out_of_range: 10 } },
    },
  },
} as unknown as DatasetManifest;

const evidenceOf = (found: Evaluation) =>
  approvalEvidence({ row: { ...version, evaluation: found }, gates: [], champion: null, dataset });

describe("approvalEvidence", () => {
  it("says what the chosen threshold does and costs", () => {
    expect(evidenceOf(evaluation).operatingPoint).toMatchObject({
      threshold: 0.31,
      alerts: 12,
      missedFailures: 2,
      falseAlarms: 4,
      costs: { currency: "EUR", ofMissedFailures: 2000, ofFalseAlarms: 200, total: 2200, perRow: 22 },
    });
  });

  it.each<[string, object, unknown]>([
    ["no costs where none are declared", { costs: undefined }, { costs: null }],
    ["no threshold for a remaining life", { threshold: undefined, thresholds: [] }, null],
  ])("gives %s", (_name, changed, expected) => {
    const { operatingPoint } = evidenceOf({ ...evaluation, ...changed });
    expect(operatingPoint === null ? null : { costs: operatingPoint.costs }).toEqual(expected);
  });

  it("ranks the slices that can be judged, the worst first", () => {
    const { shown, of } = evidenceOf(evaluation).worstSlices;
    expect(shown.map(({ value }) => value)).toEqual(["Süd", "West", "Nord"]);
    expect(of).toBe(3);
    const errors = evaluation.slices.map((s) => ({
      ...s,
      metrics: { rmse: s.metrics["averagePrecision"] ?? 0 },
    }));
    const byError = evidenceOf({ ...evaluation, primaryMetric: "rmse", slices: errors });
    expect(byError.worstSlices.shown[0]?.value).toBe("Nord");
  });

  it("counts the data, and shows the baseline", () => {
    expect(evidenceOf(evaluation)).toMatchObject({
      baseline: { averagePrecision: 0.1 },
      data: [
        { source: "readings", assets: 12, accepted: 400, quarantined: 10, byReason: { out_of_range: 10 } },
      ],
    });
  });

  it("is told in a few lines, without a text of the data", () => {
    expect(evidenceSummary(evidenceOf(evaluation))).toEqual([
      "averagePrecision: 0.8 (95 %: 0.7 … 0.9), baseline 0.1, no champion",
      "alerts from 0.31: 2 failure rows not alerted (of 3 assets that failed, 1 without any alert), 4 false alarms, 2200 EUR",
      "gates: 0 of 0 passed",
      "data: 400 rows accepted, 10 quarantined",
    ]);
  });

  it("stays small and of its form with as much of everything as a file may declare", () => {
    const metrics = Object.fromEntries(
      ["averagePrecision", ...Array.from({ length: 20 }, (_, i) => `m${i}`)].map((key) => [key, 1 / 3]),
    );
    const slices = Array.from({ length: 16 * 22 }, (_, i) => ({
      ...slice("😀".repeat(64), i / 7),
      column: "x".repeat(128),
      metrics: { ...metrics, averagePrecision: i / 7 },
    }));
    const sources = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`s${i}`, dataset.sources["readings"]]),
    );
    const evidence = approvalEvidence({
      row: { ...version, evaluation: { ...evaluation, slices, metrics: { test: metrics, cv: metrics } } },
      gates: Array.from({ length: 500 }, (_, i) => ({
        name: `g${i}`,
        passed: true,
        detail: "ü".repeat(10_000),
      })),
      champion: { version: 2, digest: version.digest, rows: version.digest, metrics },
      dataset: { ...dataset, sources } as DatasetManifest,
    });
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThan(LIMIT_BYTES);
    expect(approvalEvidenceSchema.parse(evidence)).toEqual(evidence);
  });
});
