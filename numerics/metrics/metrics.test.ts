import { describe, expect, it } from "vitest";
import { averagePrecision, brierScore, logLoss, rocAuc } from "./binary.ts";
import { computeMetrics } from "./compute-metrics.ts";
import { countConfusion, f1Of, matthewsOf, precisionOf } from "./confusion.ts";
import { METRICS, findMetric, metricsOfTask } from "./metric-table.ts";
import {
  confusionMatrix,
  macroF1,
  multiclassLogLoss,
  perClassMetrics,
  predictedClasses,
} from "./multiclass.ts";
import { meanAbsoluteError, nasaScore, rSquared, rootMeanSquaredError } from "./regression.ts";

describe("regression", () => {
  it("scores late predictions above early ones (PHM 2008)", () => {
    expect(nasaScore([100], [100])).toBe(0);
    expect(nasaScore([100], [110])).toBeCloseTo(Math.E - 1, 12);
    expect(nasaScore([100], [87])).toBeCloseTo(Math.E - 1, 12);
    expect(nasaScore([50], [60])).toBeGreaterThan(nasaScore([50], [40]));
  });
  it.each([
    ["empty", [], []],
    ["different lengths", [1, 2], [1]],
    ["NaN truth", [Number.NaN], [1]],
    ["infinite prediction", [1], [Number.POSITIVE_INFINITY]],
  ])("refuses %s", (_name, truth, prediction) => {
    for (const metric of [rootMeanSquaredError, meanAbsoluteError, rSquared, nasaScore]) {
      expect(() => metric(truth, prediction)).toThrow(RangeError);
    }
  });
  it("has no R² for one row or constant truth", () => {
    expect(rSquared([1], [1])).toBeNaN();
    expect(rSquared([2, 2], [1, 3])).toBeNaN();
  });
});

describe("binary", () => {
  it("counts tied pairs half in ROC AUC", () => {
    expect(rocAuc([0, 1], [0.5, 0.5])).toBe(0.5);
    expect(rocAuc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBe(0.75);
    expect(rocAuc([1, 0], [0, 1])).toBe(0);
  });
  it("lets tied scores enter average precision together, in any order", () => {
    expect(averagePrecision([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])).toBe(0.5);
    expect(averagePrecision([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])).toBe(0.5);
    expect(averagePrecision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBeCloseTo(0.8333333333333333, 15);
  });
  it("is undefined with one class", () => {
    expect(rocAuc([1, 1], [0.1, 0.9])).toBeNaN();
    expect(averagePrecision([0, 0], [0.1, 0.9])).toBeNaN();
  });
  it("stays finite for sure and wrong probabilities", () => {
    expect(logLoss([1, 0], [0, 1])).toBeCloseTo(36.04365338911715, 12);
    expect(brierScore([1, 0], [0, 1])).toBe(1);
  });
  it("treats a score equal to the threshold as an alert", () => {
    const counts = countConfusion([1, 0, 1, 0], [0.5, 0.5, 0.4, 0.1], 0.5);
    expect(counts).toEqual({ truePositives: 1, falsePositives: 1, trueNegatives: 1, falseNegatives: 1 });
  });
  it("answers 0 where a ratio has no cases", () => {
    const never = countConfusion([1, 0], [0.1, 0.2], Number.POSITIVE_INFINITY);
    expect([precisionOf(never), f1Of(never), matthewsOf(never)]).toEqual([0, 0, 0]);
  });
  it.each([
    ["empty", [], []],
    ["a class of 2", [2], [0.5]],
    ["NaN score", [1], [Number.NaN]],
  ])("refuses %s", (_name, truth, score) => {
    for (const metric of [rocAuc, averagePrecision, logLoss, brierScore]) {
      expect(() => metric(truth, score)).toThrow(RangeError);
    }
  });
  it("refuses a probability above 1", () => {
    expect(() => logLoss([1], [1.1])).toThrow(RangeError);
  });
});

describe("multiclass", () => {
  const probability = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.4, 0.4, 0.2];
  it("takes the lowest class on a tie", () => {
    expect([...predictedClasses(probability, 3)]).toEqual([0, 1, 0]);
  });
  it("leaves classes that never occur out of macro F1", () => {
    const matrix = confusionMatrix([0, 1, 1], [0, 1, 0], 3);
    expect(macroF1(matrix, 3)).toBeCloseTo(2 / 3, 15);
    expect(perClassMetrics(matrix, 3)[2]).toEqual({
      classIndex: 2,
      support: 0,
      precision: 0,
      recall: 0,
      f1: 0,
    });
  });
  it("refuses rows that are no distribution, shapes that disagree and unknown classes", () => {
    expect(() => multiclassLogLoss([0], [0.5, 0.4], 2)).toThrow(RangeError);
    expect(() => multiclassLogLoss([0, 1], [0.5, 0.5], 2)).toThrow(RangeError);
    expect(() => multiclassLogLoss([2], [0.5, 0.5], 2)).toThrow(RangeError);
    expect(() => confusionMatrix([], [], 2)).toThrow(RangeError);
  });
});

/** Computed beside the others, with rows that have no truth. */
const OF_UNENDED_LIVES = ["rmseIpcw", "lifeLoss", "concordance"];

describe("computeMetrics", () => {
  it("gives exactly the keys the table promises", () => {
    const rule = { level: 0.9, method: "absolute", knots: [0], below: [6], above: [6] } as const;
    const cases = [
      ["binary", computeMetrics("binary", [0, 1, 1], [0.2, 0.9, 0.6])],
      ["multiclass", computeMetrics("multiclass", [0, 1], [0.9, 0.1, 0.3, 0.7])],
      ["regression", computeMetrics("regression", [1, 2], [1, 3])],
      ["rul", computeMetrics("rul", [125, 20], [120, 25], { truthRaw: [180, 20], interval: { rule } })],
    ] as const;
    for (const [task, metrics] of cases) {
      expect(Object.keys(metrics).sort()).toEqual(
        metricsOfTask(task)
          .map((metric) => metric.key)
          .filter((key) => !OF_UNENDED_LIVES.includes(key))
          .sort(),
      );
    }
  });
  it("leaves undefined metrics out instead of writing NaN", () => {
    const metrics = computeMetrics("binary", [0, 0], [0.1, 0.2]);
    expect(metrics).not.toHaveProperty("rocAuc");
    expect(metrics["accuracy"]).toBe(1);
    expect(computeMetrics("rul", [1], [1e6])).not.toHaveProperty("nasaScore");
  });
  it("scores remaining life against the capped and the raw truth", () => {
    const metrics = computeMetrics("rul", [125, 20], [125, 20], { truthRaw: [145, 20] });
    expect(metrics["rmse"]).toBe(0);
    expect(metrics["rmseRaw"]).toBeCloseTo(Math.sqrt(200), 12);
    expect(() => computeMetrics("rul", [1, 2], [1, 2], { truthRaw: [1] })).toThrow(RangeError);
  });
  it("has unique keys and refuses unknown ones", () => {
    expect(new Set(METRICS.map((metric) => metric.key)).size).toBe(METRICS.length);
    expect(findMetric("rmse").direction).toBe("lower");
    expect(() => findMetric("rsme")).toThrow(/one of rmse/);
  });
});
