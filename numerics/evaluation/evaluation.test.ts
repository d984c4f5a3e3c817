import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { bootstrapIntervals, metricIntervals } from "./bootstrap.ts";
import { calibrationTable } from "./calibration.ts";
import { NOT_PROMOTING, compareWithChampion } from "./champion.ts";
import { evaluateGates } from "./gates.ts";
import { sliceMetrics } from "./slices.ts";
import { chooseThreshold, thresholdTable } from "./threshold.ts";

describe("bootstrapIntervals", () => {
  it("widens with the groups, not with repeated rows", () => {
    const generator = createGenerator(1);
    const perAsset = Array.from({ length: 40 }, () => generator.normal());
    const widths = [1, 50].map((nCopies) => {
      const groups = perAsset.flatMap((_, asset) => Array.from({ length: nCopies }, () => `a${asset}`));
      const values = perAsset.flatMap((value) => Array.from({ length: nCopies }, () => value));
      const measure = (rows: Int32Array): Record<string, number> => ({
        mean: rows.reduce((sum, row) => sum + values[row], 0) / rows.length,
      });
      const { mean } = bootstrapIntervals(groups, measure, { seed: 1 });
      return mean.high - mean.low;
    });
    expect(widths[1]).toBeCloseTo(widths[0], 10);
    expect(widths[0]).toBeGreaterThan(0.4);
    expect(widths[0]).toBeLessThan(0.9);
  });
  it("covers the metric, repeats for a seed and leaves out what is mostly undefined", () => {
    const truth = Array.from({ length: 200 }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const generator = createGenerator(2);
    const prediction = truth.map((y) => Math.min(1, Math.max(0, 0.3 * y + 0.3 + 0.2 * generator.normal())));
    const groups = truth.map((_, i) => i >> 2);
    const rows = { task: "binary" as const, truth, prediction, groups };
    const intervals = metricIntervals(rows, { seed: 3, nResamples: 200 });
    expect(intervals).toEqual(metricIntervals(rows, { seed: 3, nResamples: 200 }));
    expect(intervals["rocAuc"].low).toBeGreaterThan(0.6);
    expect(intervals["rocAuc"].high).toBeLessThan(1);
    const oneClass = { ...rows, truth: truth.map(() => 0) };
    expect(metricIntervals(oneClass, { seed: 3, nResamples: 20 })).not.toHaveProperty("rocAuc");
  });
  it("takes multi-class and remaining-life rows", () => {
    const groups = ["a", "b", "c"];
    const classes = {
      task: "multiclass" as const,
      truth: [0, 1, 1],
      prediction: [0.9, 0.1, 0.2, 0.8, 0.6, 0.4],
    };
    expect(metricIntervals({ ...classes, groups }, { seed: 1, nResamples: 50 })["accuracy"].high).toBe(1);
    const life = { task: "rul" as const, truth: [125, 50, 10], prediction: [120, 55, 12] };
    const metricOptions = { truthRaw: [190, 50, 10] };
    const intervals = metricIntervals({ ...life, groups, metricOptions }, { seed: 1, nResamples: 50 });
    expect(intervals["rmseRaw"].high).toBeGreaterThan(intervals["rmse"].high);
  });
  it("has no interval from one group and refuses no rows", () => {
    const rows = { task: "regression" as const, truth: [1, 2], prediction: [1, 2], groups: ["a", "a"] };
    expect(metricIntervals(rows, { seed: 1 })).toEqual({});
    expect(() => bootstrapIntervals([], () => ({}), { seed: 1 })).toThrow(RangeError);
    expect(() => bootstrapIntervals(["a", "b"], () => ({}), { seed: 1, nResamples: 1 })).toThrow(RangeError);
  });
});

describe("sliceMetrics", () => {
  it("lists every slice by name and leaves small ones without metrics", () => {
    const rows = { task: "regression" as const, truth: [1, 2, 3], prediction: [1, 2, 5] };
    const slices = sliceMetrics(rows, ["b", "a", "b"], 2);
    expect(slices.map((slice) => [slice.slice, slice.nRows])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect(slices[0].metrics).toEqual({});
    expect(slices[1].metrics["rmse"]).toBeCloseTo(Math.SQRT2, 12);
  });
});

describe("chooseThreshold", () => {
  const truth = [0, 0, 1, 0, 1, 1];
  const score = [0.1, 0.2, 0.3, 0.4, 0.8, 0.9];
  it("maximises F1 halfway between scores", () => {
    const row = chooseThreshold(truth, score);
    expect(row.threshold).toBeCloseTo(0.25, 15);
    expect(row.f1).toBeCloseTo(6 / 7, 15);
  });
  it("follows the costs, down to never and always alerting", () => {
    expect(chooseThreshold(truth, score, { missedFailure: 1, falseAlarm: 10 }).threshold).toBeCloseTo(
      0.6,
      15,
    );
    expect(chooseThreshold(truth, score, { missedFailure: 0, falseAlarm: 1 }).alerts).toBe(0);
    expect(chooseThreshold([1, 1], [0.5, 0.5], { missedFailure: 1, falseAlarm: 1 }).alerts).toBe(2);
    expect(chooseThreshold([0, 0], [1, 1], { missedFailure: 5, falseAlarm: 1 })).toMatchObject({
      alerts: 0,
      cost: 0,
    });
  });
  it("equals the best of all cuts tried one by one", () => {
    const generator = createGenerator(4);
    for (let round = 0; round < 20; round++) {
      const y = Array.from({ length: 30 }, (_, i) => (i === 0 || generator.next() < 0.3 ? 1 : 0));
      const s = y.map(() => generator.integer(8) / 8);
      const best = Math.max(...thresholdTable(y, s, { thresholds: s }).map((row) => row.f1));
      expect(chooseThreshold(y, s).f1).toBeCloseTo(best, 14);
    }
  });
  it("separates neighbouring doubles", () => {
    const low = 0.5;
    expect(chooseThreshold([0, 1], [low, low + 2 ** -53 * 2]).falseAlarms).toBe(0);
  });
  it("refuses F1 without a positive row, NaN and negative costs", () => {
    expect(() => chooseThreshold([0, 0], [0.1, 0.2])).toThrow(RangeError);
    expect(() => chooseThreshold([1], [Number.NaN])).toThrow(RangeError);
    expect(() => chooseThreshold([1], [1], { missedFailure: -1, falseAlarm: 1 })).toThrow(RangeError);
  });
});

describe("thresholdTable", () => {
  it("counts alerts and cost per threshold, ascending", () => {
    const costs = { missedFailure: 100, falseAlarm: 1 };
    const table = thresholdTable([1, 0, 1], [0.9, 0.6, 0.2], { thresholds: [0.5, 0.95, 0.5], costs });
    expect(table.map((row) => [row.threshold, row.alerts, row.cost])).toEqual([
      [0.5, 2, 101],
      [0.95, 0, 200],
    ]);
    expect(thresholdTable([1], [0.5])).toHaveLength(19);
  });
});

describe("calibrationTable", () => {
  it("is perfect for honest probabilities and keeps empty bins", () => {
    const { bins, expectedError } = calibrationTable([0, 1, 0, 1], [0.5, 0.5, 0, 1], 10);
    expect(bins).toHaveLength(10);
    expect(expectedError).toBe(0);
    expect(bins[4]).toMatchObject({ nRows: 2, meanPredicted: 0.5, observedRate: 0.5 });
    expect(bins[1].meanPredicted).toBeNull();
    expect(() => calibrationTable([], [])).toThrow(RangeError);
  });
});

const champion = { rows: "r1", metrics: { rmse: 12, nasaScore: 300 } };
const at = (rmse: number, nasa = 300): typeof champion => ({
  rows: "r1",
  metrics: { rmse, nasaScore: nasa },
});

describe("compareWithChampion", () => {
  it.each([
    ["better", at(11.9), {}, "promote"],
    ["tie", at(12), {}, "keep"],
    ["rounding only", at(12 - 1e-13), {}, "keep"],
    ["worse", at(12.5), {}, "keep"],
    ["better, below the margin", at(11.9), { margin: 0.2 }, "keep"],
    ["better, exactly the margin", at(11.8), { margin: 0.2 }, "promote"],
    ["worse, within the loss that is allowed", at(12.1), { margin: -0.2 }, "promote"],
    ["worse by more than is allowed", at(12.3), { margin: -0.2 }, "keep"],
    ["a tie, where a loss is allowed", at(12), { margin: -0.2 }, "promote"],
    ["better, guard unchanged", at(11), { guards: [{ metric: "nasaScore", maxLoss: 0 }] }, "promote"],
    ["better, guard broken", at(11, 320), { guards: [{ metric: "nasaScore", maxLoss: 10 }] }, "keep"],
    [
      "better, guard worse within its allowance",
      at(11, 309),
      { guards: [{ metric: "nasaScore", maxLoss: 10 }] },
      "promote",
    ],
  ] as const)("%s", (_name, challenger, rule, outcome) => {
    const result = compareWithChampion(champion, challenger, { metric: "rmse", ...rule });
    expect(result.outcome).toBe(outcome);
    expect(result.reason.startsWith(NOT_PROMOTING)).toBe(outcome === "keep");
  });
  it("refuses other rows, unknown or missing metrics and a margin that is no number", () => {
    expect(() => compareWithChampion(champion, { ...at(1), rows: "r2" }, { metric: "rmse" })).toThrow(
      /same rows/,
    );
    expect(() => compareWithChampion(champion, at(1), { metric: "f1" })).toThrow(/no metric f1/);
    expect(() => compareWithChampion(champion, at(1), { metric: "toString" })).toThrow(RangeError);
    expect(() => compareWithChampion(champion, at(1), { metric: "rmse", margin: NaN })).toThrow(RangeError);
  });
});

describe("evaluateGates", () => {
  it("passes only when every bound holds, and fails without a value", () => {
    const { passed, rows } = evaluateGates({ rmse: 12, f1: Number.NaN }, [
      { metric: "rmse", op: "<=", threshold: 12 },
      { metric: "rmse", op: "<", threshold: 12 },
      { metric: "f1", op: ">=", threshold: 0 },
      { metric: "toString", op: ">=", threshold: 0 },
    ]);
    expect(passed).toBe(false);
    expect(rows.map((row) => row.passed)).toEqual([true, false, false, false]);
    expect(rows[1].text).toBe("rmse is 12, must be < 12: fail");
    expect(rows[2].value).toBeNull();
    expect(evaluateGates({}, []).passed).toBe(true);
    expect(() => evaluateGates({}, [{ metric: "a", op: "<", threshold: Number.NaN }])).toThrow(RangeError);
  });
});
