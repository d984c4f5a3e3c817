import { describe, expect, it } from "vitest";
import { computeMetrics } from "../metrics/compute-metrics.ts";
import { createGenerator } from "../random/generator.ts";
import { confirmDegradation, degradationLimit, isDegraded } from "./degradation.ts";
import { estimateErrors, fitErrorModel } from "./error-model.ts";
import { estimateClasses } from "./estimate-classes.ts";
import { wilsonInterval } from "./wilson.ts";
import { expectedBinaryMetrics, expectedClassMetrics } from "./expected-metrics.ts";

const own = (n: number): Int32Array => Int32Array.from({ length: n }, (_, row) => row);
/** Probabilities about `middle`, and truths drawn by them: calibrated by construction. */
function calibrated(n: number, middle: number, seed: number) {
  const generator = createGenerator(seed);
  const probability = Float64Array.from(
    { length: n },
    () => 1 / (1 + Math.exp(-(middle + 2 * generator.normal()))),
  );
  const truth = probability.map((p) => Number(generator.next() < p));
  return { probability, truth };
}
const binary = (probability: Float64Array, groups = own(probability.length)) =>
  ({ problem: "binary", probability, nClasses: 2, threshold: 0.5, groups }) as const;

describe("estimated metrics of classes", () => {
  it("are near the realized ones of calibrated answers, and the band holds them", () => {
    let inside = 0;
    const seeds = Array.from({ length: 12 }, (_, i) => i);
    for (const seed of seeds) {
      const { probability, truth } = calibrated(1_500, -1, seed);
      const { metrics, intervals } = estimateClasses(binary(probability), seed);
      const realized = computeMetrics("binary", truth, probability, { threshold: 0.5 });
      for (const key of [
        "rocAuc",
        "averagePrecision",
        "f1",
        "accuracy",
        "precision",
        "recall",
        "brier",
        "logLoss",
      ])
        expect(Math.abs(metrics[key] - realized[key])).toBeLessThan(0.05);
      const [low, high] = intervals["rocAuc"] ?? [1, 0];
      if (low <= realized["rocAuc"] && realized["rocAuc"] <= high) inside++;
    }
    expect(inside / seeds.length).toBeGreaterThan(0.85);
  });

  it("fall when the model is asked where it is less sure", () => {
    const sure = estimateClasses(
      binary(Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 0.02 : 0.97))),
      1,
    );
    const unsure = estimateClasses(
      binary(Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 0.4 : 0.6))),
      1,
    );
    for (const key of ["rocAuc", "averagePrecision", "f1", "accuracy"])
      expect(unsure.metrics[key]).toBeLessThan(sure.metrics[key] - 0.2);
  });

  it("are what a hand computes", () => {
    const { metrics } = { metrics: expectedBinaryMetrics(Float64Array.of(0.9, 0.2), 0.5) };
    expect(metrics["precision"]).toBeCloseTo(0.9, 12);
    expect(metrics["recall"]).toBeCloseTo(0.9 / 1.1, 12);
    expect(metrics["accuracy"]).toBeCloseTo(1.7 / 2, 12);
    expect(metrics["brier"]).toBeCloseTo((0.09 + 0.16) / 2, 12);
    // (0,0) → (0.1, 0.9) → (0.9, 1.1) of 0.9 negatives and 1.1 positives.
    expect(metrics["rocAuc"]).toBeCloseTo((0.1 * 0.45 + 0.8 * 1) / (1.1 * 0.9), 12);
    expect(expectedBinaryMetrics(Float64Array.of(0.5, 0.5, 0.5), 0.5)["rocAuc"]).toBeCloseTo(0.5, 12);
    expect(expectedBinaryMetrics(Float64Array.of(0, 0), 0.5)).not.toHaveProperty("rocAuc");
    const three = expectedClassMetrics(Float64Array.of(0.7, 0.2, 0.1, 0.1, 0.1, 0.8), 3);
    expect(three["accuracy"]).toBeCloseTo(0.75, 12);
    expect(() => expectedBinaryMetrics(new Float64Array(), 0.5)).toThrow(RangeError);
  });

  it("have wider bands where rows are of few assets", () => {
    const { probability } = calibrated(2_000, 0, 5);
    const width = (groups: Int32Array): number => {
      const [low, high] = estimateClasses(binary(probability, groups), 5).intervals["accuracy"] ?? [0, 0];
      return high - low;
    };
    expect(width(own(2_000).map((row) => row % 20))).toBeGreaterThan(2 * width(own(2_000)));
  });

  it("of more classes are near the realized ones", () => {
    const generator = createGenerator(8);
    const probability = new Float64Array(9_000);
    const truth = new Float64Array(3_000);
    for (let row = 0; row < 3_000; row++) {
      const scores = [0, 1, 2].map(() => Math.exp(1.5 * generator.normal()));
      const total = scores.reduce((a, b) => a + b);
      scores.forEach((score, k) => (probability[3 * row + k] = score / total));
      let u = generator.next() * total;
      truth[row] = scores.findIndex((score) => (u -= score) < 0);
    }
    const realized = computeMetrics("multiclass", truth, probability, { nClasses: 3 });
    const { metrics, intervals } = estimateClasses(
      { problem: "multiclass", probability, nClasses: 3, threshold: 0.5, groups: own(3_000) },
      8,
    );
    for (const [key, value] of Object.entries(realized)) {
      expect(Math.abs(metrics[key] - value)).toBeLessThan(0.03);
      const [low, high] = intervals[key] ?? [1, 0];
      expect(high - low).toBeLessThan(0.1);
    }
  });
});

describe("estimated errors of numbers", () => {
  const draw = (n: number, seed: number, from: number, to: number) => {
    const generator = createGenerator(seed);
    const prediction = Float64Array.from({ length: n }, () => from + (to - from) * generator.next());
    // Off by a tenth of the answer, as lives are.
    const truth = prediction.map((answer) => answer + 0.1 * answer * generator.normal());
    return { prediction, truth };
  };

  it("follow the answers that are given, within a band that holds the realized ones", () => {
    const learnt = draw(8_000, 1, 10, 200);
    const model = fitErrorModel(learnt.truth, learnt.prediction);
    for (const [from, to] of [
      [10, 200],
      [150, 200],
      [10, 40],
    ] as const) {
      const later = draw(3_000, 2, from, to);
      const realized = computeMetrics("regression", later.truth, later.prediction);
      const { metrics, intervals } = estimateErrors(model as never, later.prediction, own(3_000));
      for (const key of ["mae", "rmse"] as const) {
        expect(metrics[key] / realized[key]).toBeCloseTo(1, 1);
        const [low, high] = intervals[key] ?? [1, 0];
        expect(high - low).toBeLessThan(0.2 * realized[key]);
      }
    }
  });

  it("need rows, and take one answer for all", () => {
    expect(fitErrorModel(new Float64Array(39), new Float64Array(39))).toBeNull();
    const model = fitErrorModel(new Float64Array(500).fill(3), new Float64Array(500).fill(5));
    expect(model?.knots).toEqual([5]);
    expect(estimateErrors(model as never, Float64Array.of(1, 9), Int32Array.of(0, 1)).metrics).toEqual({
      mae: 2,
      rmse: 2,
    });
  });
});

describe("degradation", () => {
  const higher = { metric: "averagePrecision", tolerance: 0.1 } as const;
  const of = (value: number, low: number, high: number) => ({ value, interval: [low, high] as const });
  it.each([
    [{ ...higher, baseline: { value: 0.8 }, realized: of(0.65, 0.6, 0.71) }, true],
    [{ ...higher, baseline: { value: 0.8 }, realized: of(0.65, 0.6, 0.73) }, false],
    // A holdout of few rows may have been lucky: then only what is far beyond is told.
    [{ ...higher, baseline: of(0.8, 0.7, 0.9), realized: of(0.65, 0.6, 0.71) }, false],
    [{ ...higher, baseline: of(0.8, 0.7, 0.9), realized: of(0.5, 0.45, 0.55) }, true],
    [{ metric: "rmse", tolerance: 0.25, baseline: { value: 20 }, realized: of(27, 25.1, 30) }, true],
    [{ metric: "rmse", tolerance: 0.25, baseline: { value: 20 }, realized: of(27, 24.9, 30) }, false],
    [{ metric: "rmse", tolerance: 0.25, baseline: of(20, 18, 23), realized: of(27, 25.1, 30) }, false],
    // A log likelihood may be below 0: worse is still above.
    [{ metric: "lifeLoss", tolerance: 0.5, baseline: { value: -2 }, realized: of(-0.5, -0.9, 0) }, true],
    [
      { metric: "lifeLoss", tolerance: 0.5, baseline: of(-2, -2.6, -1.2), realized: of(-0.5, -0.9, 0) },
      false,
    ],
    // Right to the last digit: anything worse is worse.
    [{ metric: "rmse", tolerance: 0.1, baseline: { value: 0 }, realized: of(1, 0.5, 2) }, true],
  ] as const)("%j: %s", (question, expected) => {
    expect(isDegraded(question)).toBe(expected);
  });

  it("is hardly ever told of a model that is as good as ever, and nearly always of one that is not", () => {
    const generator = createGenerator(12);
    const measured = (share: number, n: number) => {
      const right = Array.from({ length: n }, () => Number(generator.next() < share)).reduce((a, b) => a + b);
      return { value: right / n, interval: wilsonInterval(right / n, n) };
    };
    const told = (now: number, n: number) =>
      Array.from({ length: 400 }, () =>
        isDegraded({
          metric: "accuracy",
          tolerance: 0.05,
          baseline: measured(0.9, 300),
          realized: measured(now, n),
        }),
      ).filter(Boolean).length / 400;
    for (const n of [100, 1_000]) expect(told(0.9, n)).toBeLessThanOrEqual(0.01);
    expect(told(0.9 * 0.95, 1_000)).toBeLessThanOrEqual(0.05);
    expect(told(0.75, 1_000)).toBeGreaterThan(0.95);
  });

  it("has a limit on the worse side", () => {
    expect(degradationLimit({ ...higher, baseline: 0.8 })).toBeCloseTo(0.72, 12);
    expect(degradationLimit({ metric: "lifeLoss", baseline: -2, tolerance: 0.5 })).toBe(-1);
  });
  it("is confirmed by checks in a row", () => {
    expect(confirmDegradation(["degraded"], 2)).toEqual({ stage: "suspected", checks: 1 });
    expect(confirmDegradation(["degraded", "degraded", "ok"], 2)).toEqual({ stage: "confirmed", checks: 2 });
    expect(confirmDegradation(["degraded", "insufficient_labels", "degraded"], 2)).toEqual({
      stage: "suspected",
      checks: 1,
    });
    expect(confirmDegradation(["ok", "degraded"], 2)).toEqual({ stage: "none", checks: 0 });
  });
});
