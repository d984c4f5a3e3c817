import { describe, expect, it } from "vitest";
import { trainGbdt } from "../gbdt/trainer.ts";
import { trainLinear } from "../linear/trainer.ts";
import { forecastMetrics, pinballLoss } from "../metrics/forecast.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import { crossingProbability } from "./crossing.ts";
import { forecastPoints, withTimes } from "./forecast-points.ts";
import { firstHorizon } from "./first-horizon.ts";
import { applyForecast, checkQuantiles, medianIndex } from "./forecast-rule.ts";
import { mergeOutputs } from "./merge-outputs.ts";
import { fitQuantileOffsets, moveQuantiles } from "./quantile-offsets.ts";

describe("applyForecast", () => {
  const rule = { nQuantiles: 2, offsets: [0, 1, 0, 0], anchor: { column: 1, missing: 100 } };
  it("adds the value now and the offsets, and sorts each horizon by itself", () => {
    const values = Float64Array.of(1, 2, 9, 3, 5, 1, 0, 0);
    const matrix = { data: Float64Array.of(7, 10, 7, Number.NaN), nRows: 2, nColumns: 2 };
    applyForecast(rule, matrix, values);
    expect([...values]).toEqual([11, 13, 13, 19, 102, 105, 100, 100]);
  });
});

describe("quantile levels", () => {
  it.each([
    ["none", [], /at least one/],
    ["zero", [0, 0.5], /quantiles\[0\] must lie in \(0, 1\), got 0/],
    ["one", [0.5, 1], /quantiles\[1\] must lie in \(0, 1\), got 1/],
    ["NaN", [Number.NaN], /got NaN/],
    ["one twice", [0.5, 0.5], /must be above 0\.5/],
    ["a descent", [0.9, 0.1], /must be above 0\.9/],
  ])("refuses %s", (_name, levels, message) => {
    expect(() => checkQuantiles(levels)).toThrow(message);
  });
  it("have a median: the one nearest to one half", () => {
    expect(medianIndex([0.1, 0.5, 0.9])).toBe(1);
    expect(medianIndex([0.4, 0.6])).toBe(0);
    expect(medianIndex([0.95])).toBe(0);
  });
});

describe("mergeOutputs", () => {
  const random = createGenerator(1);
  const data = Float64Array.from({ length: 600 }, () => (random.next() < 0.05 ? NaN : random.normal()));
  const matrix = { data, nRows: 200, nColumns: 3 };
  const targets = [1, 2].map((factor) =>
    Float64Array.from({ length: 200 }, (_, row) => factor * (data[3 * row] || 0) + random.normal()),
  );
  const trees = targets.map(
    (values) =>
      trainGbdt({
        matrix,
        target: { taskKind: "regression", values },
        parameters: { numIterations: 5 },
        seed: 1,
      }).model,
  );
  const lines = targets.map((values, k) =>
    trainLinear({
      matrix,
      target: { taskKind: "regression", values },
      // Other rows, and so another standardisation.
      trainRows: Int32Array.from({ length: 150 }, (_, row) => row + 50 * k),
    }),
  );
  it.each([
    ["trees", trees],
    ["lines", lines],
  ] as const)("answers as the %s do by themselves, each as often as asked", (_name, models) => {
    const full = { ...matrix, data: data.map((value) => (Number.isNaN(value) ? 0 : value)) };
    const merged = mergeOutputs(models, 2);
    const { values, nOutputs } = predict(merged, full);
    expect(nOutputs).toBe(4);
    models.forEach((model, k) => {
      predict(model, full).values.forEach((value, row) => {
        expect(values[row * 4 + 2 * k]).toBeCloseTo(value, 12);
        expect(values[row * 4 + 2 * k + 1]).toBeCloseTo(value, 12);
      });
    });
  });
  it.each([
    ["trees", trees],
    ["lines", lines],
  ] as const)("of %s gives its first horizon by itself", (_name, models) => {
    const anchor = { column: 0, missing: 1 };
    const forecast = { nQuantiles: 2, offsets: [-1, 1, -2, 2], anchor };
    const model = { ...mergeOutputs(models, 2), forecast };
    const near = predict(firstHorizon(model), matrix);
    expect(near.nOutputs).toBe(2);
    const all = predict(model, matrix).values;
    expect(near.values).toEqual(all.filter((_, at) => at % 4 < 2));
  });
  it("refuses none, and models that differ in kind", () => {
    expect(() => mergeOutputs([])).toThrow(/at least one/);
    expect(() => mergeOutputs([...trees, ...lines])).toThrow(/kind must be tree_ensemble/);
  });
});

describe("fitQuantileOffsets", () => {
  const quantiles = [0.1, 0.5, 0.9];
  it("makes as many truths lie below each quantile as its level says", () => {
    const random = createGenerator(4);
    const nPairs = 4_000;
    const horizon = Int32Array.from({ length: nPairs }, (_, pair) => pair % 2);
    const truth = Float64Array.from(horizon, (h) => 5 + (h + 1) * random.normal());
    const prediction = new Float64Array(3 * nPairs);
    const pairs = { truth, prediction, horizon };
    const half = (pair: number) => pair < nPairs / 2;
    const offsets = fitQuantileOffsets(pairs, { nHorizons: 2, quantiles }, half);
    const moved = moveQuantiles(pairs, () => offsets, 3);
    for (const h of [0, 1]) {
      quantiles.forEach((level, q) => {
        const rest = Array.from(horizon.keys()).filter((pair) => !half(pair) && horizon[pair] === h);
        const below = rest.filter((pair) => truth[pair] <= moved[3 * pair + q]).length / rest.length;
        // 1,000 pairs: the standard error of a share is at most 0.016, twice, for fitting and for judging.
        expect(Math.abs(below - level)).toBeLessThan(0.06);
      });
    }
    expect(offsets[5] / offsets[2]).toBeGreaterThan(1.1);
  });
  it("moves nothing where there are too few pairs", () => {
    const pairs = { truth: [1, 2], prediction: [0, 0, 0, 0, 0, 0], horizon: [0, 0] };
    expect(fitQuantileOffsets(pairs, { nHorizons: 2, quantiles })).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("forecastMetrics", () => {
  it("are those of their definitions", () => {
    const truth = [10, 20];
    const prediction = [8, 11, 12, 21, 22, 25];
    const found = forecastMetrics(
      { truth, prediction },
      { quantiles: [0.1, 0.5, 0.9], naive: [12, Number.NaN], reference: [10, 10, 10, 10, 10, 10] },
    );
    // Row 1: 0.2, 0.5, 0.2; row 2: 0.9, 1, 0.5.
    expect(found["pinball"]).toBeCloseTo(3.3 / 6, 12);
    expect(found["wql"]).toBeCloseTo((2 * (3.3 / 6)) / 15, 12);
    expect(found["mae"]).toBe(1.5);
    expect(found["mase"]).toBe(0.5);
    expect(found["skill"]).toBeCloseTo(1 - 3.3 / 6 / (15 / 6), 12);
    expect(found["intervalCoverage"]).toBe(0.5);
    expect(found["coverageError"]).toBeCloseTo(0.3, 12);
    expect(found["intervalWidth"]).toBe(4);
    // One truth lies 1 below an interval of level 0.8: a penalty of 2 / 0.2 · 1 over two rows.
    expect(found["winkler"]).toBeCloseTo(4 + 5, 12);
  });
  it("has no interval of one quantile, and no scaled error where naive is never wrong", () => {
    const found = forecastMetrics({ truth: [1, 1], prediction: [1, 2] }, { quantiles: [0.5], naive: [1, 1] });
    expect(found["intervalWidth"]).toBeUndefined();
    expect(found["mase"]).toBeNaN();
    expect(found["pinball"]).toBe(pinballLoss([1, 1], [1, 2], [0.5]));
  });
  it.each([
    ["no rows", [], [], [0.5], /truth/],
    ["a truth that is no number", [Number.NaN], [1], [0.5], /truth/],
    ["too few answers", [1], [1], [0.1, 0.9], /2 quantiles for each of 1 rows/],
  ])("refuses %s", (_name, truth, prediction, quantiles, message) => {
    expect(() => forecastMetrics({ truth, prediction }, { quantiles })).toThrow(message);
  });
});

describe("crossingProbability", () => {
  const levels = [0.1, 0.5, 0.9];
  it.each([
    ["between two quantiles", { above: 15 }, 0.3],
    ["on a quantile", { above: 10 }, 0.5],
    ["straight on beyond the last", { above: 21 }, 0.06],
    ["never, far beyond", { above: 100 }, 0],
    ["surely, far before", { above: -100 }, 1],
    ["below", { below: 15 }, 0.7],
    ["on either side", { above: 15, below: 0 }, 0.4],
  ])("%s", (_name, limit, expected) => {
    expect(crossingProbability([0, 10, 20], levels, limit)).toBeCloseTo(expected, 12);
  });
  it("of equal quantiles, and of one, is a step", () => {
    expect(crossingProbability([5, 5, 5], levels, { above: 5 })).toBe(0);
    expect(crossingProbability([5, 5, 5], levels, { above: 4.9 })).toBe(1);
    expect(crossingProbability([5], [0.5], { above: 4 })).toBe(1);
  });
});

describe("forecastPoints", () => {
  const shape = {
    horizons: [
      { horizon: "1h", span: 3_600_000_000 },
      { horizon: "1d", span: 86_400_000_000 },
    ],
    quantiles: [0.25, 0.75],
  };
  it("names outputs by horizon, level and time", () => {
    const points = forecastPoints(shape, Float64Array.of(0, 1, 2, 3, 4), 1);
    expect(withTimes(points, "2026-01-01T00:00:00.000Z", shape)).toEqual([
      { horizon: "1h", median: 1, quantiles: { "0.25": 1, "0.75": 2 }, time: "2026-01-01T01:00:00.000Z" },
      { horizon: "1d", median: 3, quantiles: { "0.25": 3, "0.75": 4 }, time: "2026-01-02T00:00:00.000Z" },
    ]);
    expect(
      withTimes(points, 7, {
        horizons: [
          { horizon: 1, span: 1 },
          { horizon: 9, span: 9 },
        ],
      }),
    ).toMatchObject([{ time: 8 }, { time: 16 }]);
  });
});
