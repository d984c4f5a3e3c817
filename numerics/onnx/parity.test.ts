import { describe, expect, it } from "vitest";
import { trainGbdt } from "../gbdt/trainer.ts";
import { matrixFromRows } from "../matrix.ts";
import { compareOutputs, nextDouble, thresholdProbes } from "./parity.ts";

describe("compareOutputs", () => {
  it.each([
    ["nothing", [], [], { maxError: 0, worstRow: -1, nRows: 0 }],
    ["equal outputs", [1, 2], [1, 2], { maxError: 0, worstRow: 0, nRows: 2 }],
    ["an absolute error of small values", [0.5, 0], [0.5, 0.25], { maxError: 0.25, worstRow: 1, nRows: 2 }],
    ["a relative error of large values", [100, 1], [101, 1], { maxError: 0.01, worstRow: 0, nRows: 2 }],
    ["NaN as the worst", [1, 2], [1, Number.NaN], { maxError: Infinity, worstRow: 1, nRows: 2 }],
    ["another length", [1, 2], [1], { maxError: Infinity, worstRow: 0, nRows: 2 }],
  ])("reports %s", (_name, trainer, graph, expected) => {
    expect(compareOutputs(Float64Array.from(trainer), Float64Array.from(graph), 1)).toEqual(expected);
  });

  it("counts rows of several outputs", () => {
    expect(compareOutputs(Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 2, 3, 5), 2).worstRow).toBe(1);
    expect(() => compareOutputs(new Float64Array(3), new Float64Array(3), 2)).toThrow(RangeError);
  });
});

describe("nextDouble", () => {
  it.each([
    [1, 1, 1 + Number.EPSILON],
    [1, -1, 1 - Number.EPSILON / 2],
    [-1, 1, -1 + Number.EPSILON / 2],
    [0, 1, Number.MIN_VALUE],
    [0, -1, -Number.MIN_VALUE],
    [Number.MIN_VALUE, -1, 0],
  ] as const)("of %d towards %d", (value, direction, expected) => {
    expect(nextDouble(value, direction)).toBe(expected);
  });
});

describe("thresholdProbes", () => {
  it("stands on and beside thresholds, with missing values, and repeats for a seed", () => {
    const rows = Array.from({ length: 60 }, (_, row) => [row, 5]);
    const target = {
      taskKind: "regression" as const,
      values: Float64Array.from(rows, ([first]) => Number(first > 30)),
    };
    const { model } = trainGbdt({
      matrix: matrixFromRows(rows, 2),
      target,
      seed: 1,
      parameters: { numIterations: 1, numLeaves: 2 },
    });
    const threshold = model.trees[0].threshold[0];
    const { data } = thresholdProbes(model, 200, 9);
    const seen = new Set(data.filter((_, index) => index % 2 === 0));
    expect(seen).toEqual(
      new Set([threshold, nextDouble(threshold, -1), nextDouble(threshold, 1), Number.NaN]),
    );
    expect(thresholdProbes(model, 200, 9).data).toEqual(data);
  });
});
