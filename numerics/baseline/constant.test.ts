import { describe, expect, it } from "vitest";
import { matrixFromRows } from "../matrix.ts";
import { predict } from "../model.ts";
import { trainConstant } from "./constant.ts";

const table = matrixFromRows([[1], [Number.NaN]], 1);

describe("trainConstant", () => {
  it.each([
    ["mean", { taskKind: "regression", values: Float64Array.of(1, 2, 6) }, [3]],
    ["share of positives", { taskKind: "binary", values: Float64Array.of(1, 0, 0, 0) }, [0.25]],
    [
      "class shares",
      { taskKind: "multiclass", nClasses: 3, values: Float64Array.of(2, 2, 0, 2) },
      [0.25, 0, 0.75],
    ],
  ] as const)("answers the %s", (_name, target, expected) => {
    const { values } = predict(trainConstant({ nFeatures: 1, target }), table);
    expect([...values]).toEqual([...expected, ...expected]);
  });

  it("weights rows and refuses none", () => {
    const target = { taskKind: "regression" as const, values: Float64Array.of(0, 10) };
    expect(trainConstant({ nFeatures: 1, target, weights: Float64Array.of(1, 3) }).base).toEqual([7.5]);
    expect(() => trainConstant({ nFeatures: 1, target, trainRows: new Int32Array(0) })).toThrow(RangeError);
  });
});
