import { describe, expect, it } from "vitest";
import { trainConstant } from "../baseline/constant.ts";
import { trainGbdt } from "../gbdt/trainer.ts";
import { trainLinear } from "../linear/trainer.ts";
import { matrixFromRows } from "../matrix.ts";
import { createGenerator } from "../random/generator.ts";
import { gainImportance } from "./gain-importance.ts";

const generator = createGenerator("importance");
const rows = Array.from({ length: 400 }, () => [generator.normal(), generator.normal(), generator.normal()]);
const matrix = matrixFromRows(rows, 3);
const target = {
  taskKind: "regression" as const,
  values: Float64Array.from(rows, ([, second]) => 3 * second),
};

describe("gainImportance", () => {
  it.each([
    ["trees", trainGbdt({ matrix, target, seed: 1, parameters: { numIterations: 20 } }).model],
    ["a linear model", trainLinear({ matrix, target })],
  ])("finds the one feature that matters in %s", (_name, model) => {
    const shares = gainImportance(model);
    expect(shares[1]).toBeGreaterThan(0.95);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it("is zero for a constant", () => {
    expect([...gainImportance(trainConstant({ nFeatures: 3, target }))]).toEqual([0, 0, 0]);
  });
});
