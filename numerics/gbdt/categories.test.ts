import { describe, expect, it } from "vitest";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { DenseInput } from "./trainer.ts";
import { trainGbdt } from "./trainer.ts";

const N_ROWS = 6000;
const N_CODES = 60;

/** Machines of many types, whose codes say nothing by their order; rows beyond 5000 are for validation. */
function createInput(more: Partial<DenseInput> = {}): DenseInput {
  const generator = createGenerator("categories");
  const effect = Array.from({ length: N_CODES }, () => 5 * generator.normal());
  const data = new Float64Array(N_ROWS * 2);
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const code = generator.integer(N_CODES);
    data[2 * row] = code;
    data[2 * row + 1] = generator.normal();
    return effect[code] + data[2 * row + 1] + 0.5 * generator.normal();
  });
  return {
    matrix: { data, nRows: N_ROWS, nColumns: 2 },
    target: { taskKind: "regression", values },
    trainRows: Int32Array.from({ length: 5000 }, (_, row) => row),
    parameters: { numIterations: 40, numLeaves: 15, minDataPerGroup: 20 },
    seed: 1,
    ...more,
  };
}

function rmse(input: DenseInput): number {
  const predicted = predict(trainGbdt(input).model, input.matrix).values;
  let squares = 0;
  for (let row = 5000; row < N_ROWS; row++) squares += (predicted[row] - input.target.values[row]) ** 2;
  return Math.sqrt(squares / 1000);
}

describe("categories", () => {
  it("are learnt better as groups of codes than as numbers", () => {
    expect(rmse(createInput({ categorical: [0] }))).toBeLessThan(0.7 * rmse(createInput()));
  });

  it("send unseen, rare and missing codes right, the same by bins as by value", () => {
    const input = createInput({ categorical: [0] });
    const half = trainGbdt({ ...input, parameters: { ...input.parameters, numIterations: 10 } }).model;
    const rest = trainGbdt({
      ...input,
      parameters: { ...input.parameters, numIterations: 30 },
      initModel: half,
    });
    expect(JSON.stringify(rest.model)).toBe(JSON.stringify(trainGbdt(input).model));
    const probe = Float64Array.of(1e6, 0, Number.NaN, 0, -1, 0, 0.5, 0);
    const [unseen, ...others] = predict(rest.model, { data: probe, nRows: 4, nColumns: 2 }).values;
    for (const other of others) expect(other).toBe(unseen);
  });

  it("of 100 000 codes train", () => {
    const generator = createGenerator("many codes");
    const data = Float64Array.from({ length: 100_000 }, (_, row) => row);
    const values = Float64Array.from(data, () => generator.normal());
    const matrix = { data, nRows: data.length, nColumns: 1 };
    const target = { taskKind: "regression" as const, values };
    const { model } = trainGbdt({
      matrix,
      target,
      categorical: [0],
      seed: 1,
      parameters: { numIterations: 3 },
    });
    expect(model.trees.every((tree) => tree.feature.length === 1)).toBe(true);
  });

  it("refuses a column that is not there", () => {
    expect(() => trainGbdt(createInput({ categorical: [2] }))).toThrow(
      "categorical[0] must be a row in 0 … 1, got 2",
    );
  });
});
