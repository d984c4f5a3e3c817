import { describe, expect, it } from "vitest";
import { trainConstant } from "./baseline/constant.ts";
import { trainForest } from "./forest/trainer.ts";
import { trainGbdt } from "./gbdt/trainer.ts";
import { trainLinear } from "./linear/trainer.ts";
import { matrixFromRows } from "./matrix.ts";
import { averageModels } from "./model-average.ts";
import { predictRaw } from "./model.ts";
import { createGenerator } from "./random/generator.ts";

const generator = createGenerator("average");
const rows = Array.from({ length: 120 }, () => [generator.normal(), generator.normal()]);
const matrix = matrixFromRows(rows, 2);
const values = Float64Array.from(rows, ([first, second]) => Number(first + second > 0));
const target = { taskKind: "binary" as const, values };
const half = (odd: number) => Int32Array.from({ length: 60 }, (_, row) => 2 * row + odd);

describe("averageModels", () => {
  it.each([
    [
      "boosted trees",
      (odd: number) =>
        trainGbdt({ matrix, target, seed: odd, trainRows: half(odd), parameters: { numIterations: 3 + odd } })
          .model,
    ],
    ["forests", (odd: number) => trainForest({ matrix, target, seed: odd, parameters: { numTrees: 4 } })],
    ["linear models", (odd: number) => trainLinear({ matrix, target, trainRows: half(odd) })],
    ["constants", (odd: number) => trainConstant({ nFeatures: 2, target, trainRows: half(odd) })],
  ])("averages the raw scores of %s", (_name, train) => {
    const [first, second] = [train(0), train(1)];
    const [one, two, both] = [first, second, averageModels([first, second])].map(
      (model) => predictRaw(model, matrix).values,
    );
    both.forEach((value, row) => expect(value).toBeCloseTo((one[row] + two[row]) / 2, 9));
  });

  it("refuses none and mixed kinds", () => {
    expect(() => averageModels([])).toThrow(RangeError);
    const mixed = [trainConstant({ nFeatures: 2, target }), trainLinear({ matrix, target })];
    expect(() => averageModels(mixed)).toThrow(/kind must be constant/);
  });
});
