import { describe, expect, it } from "vitest";
import type { Matrix } from "../matrix.ts";
import { matrixFromRows } from "../matrix.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskTarget } from "../task-kind.ts";
import { TrainingCancelledError } from "../training-hooks.ts";
import { solveCholesky } from "./cholesky.ts";
import type { LinearInput } from "./trainer.ts";
import { trainLinear } from "./trainer.ts";

const N_ROWS = 400;
const generator = createGenerator("linear");
const data = Float64Array.from(
  { length: N_ROWS * 3 },
  (_, index) => 100 * (index % 3) + 10 * generator.normal(),
);
const matrix: Matrix = { data, nRows: N_ROWS, nColumns: 3 };
const score = (row: number) => 0.3 * (data[row * 3] - 1) - 0.2 * (data[row * 3 + 1] - 100);
const valuesOf = (read: (row: number) => number) =>
  Float64Array.from({ length: N_ROWS }, (_, row) => read(row));
const regression: TaskTarget = { taskKind: "regression", values: valuesOf((row) => 50 + score(row)) };
const noisy = valuesOf((row) => score(row) + 2 * generator.normal());
const binary: TaskTarget = { taskKind: "binary", values: noisy.map((value) => Number(value > 0)) };
const multiclass: TaskTarget = {
  taskKind: "multiclass",
  nClasses: 3,
  values: noisy.map((value) => (value < -2 ? 0 : value < 2 ? 1 : 2)),
};

describe("trainLinear", () => {
  it("recovers an exact line without penalty", () => {
    const model = trainLinear({ matrix, target: regression, parameters: { lambdaL2: 0 } });
    const predicted = predict(model, matrix).values;
    predicted.forEach((value, row) => expect(value).toBeCloseTo(regression.values[row], 9));
  });

  it("shrinks towards the mean with a large penalty", () => {
    const model = trainLinear({ matrix, target: regression, parameters: { lambdaL2: 1e9 } });
    const mean = regression.values.reduce((sum, value) => sum + value, 0) / N_ROWS;
    for (const value of predict(model, matrix).values) expect(Math.abs(value - mean)).toBeLessThan(1e-4);
  });

  it("copes with constant, repeated and all-missing columns", () => {
    const rows = Array.from({ length: 30 }, (_, row) => [row, row, 7, Number.NaN]);
    const target: TaskTarget = {
      taskKind: "regression",
      values: Float64Array.from(rows, ([first]) => 2 * first),
    };
    const table = matrixFromRows(rows, 4);
    const predicted = predict(
      trainLinear({ matrix: table, target, parameters: { lambdaL2: 0 } }),
      table,
    ).values;
    predicted.forEach((value, row) => expect(value).toBeCloseTo(2 * row, 8));
  });

  it("takes a missing value for the mean", () => {
    const model = trainLinear({ matrix, target: regression });
    const [missing, atMean] = predict(
      model,
      matrixFromRows(
        [
          [Number.NaN, 100, 200],
          [model.means[0], 100, 200],
        ],
        3,
      ),
    ).values;
    expect(missing).toBe(atMean);
  });

  it("finds probabilities whose sums match the classes, as maximum likelihood must", () => {
    for (const target of [binary, multiclass]) {
      const { values, nOutputs } = predict(trainLinear({ matrix, target }), matrix);
      for (let k = 0; k < nOutputs; k++) {
        let expected = 0;
        let predicted = 0;
        for (let row = 0; row < N_ROWS; row++) {
          expected += Number(target.values[row] === (nOutputs === 1 ? 1 : k));
          predicted += values[row * nOutputs + k];
        }
        // The intercept is free, so its gradient vanishes to the tolerance of 1e-7 per row.
        expect(Math.abs(predicted - expected)).toBeLessThan(1e-4);
      }
    }
  });

  it("gives two classes as softmax what logistic regression gives", () => {
    const asBinary = predict(
      trainLinear({ matrix, target: binary, parameters: { lambdaL2: 1 } }),
      matrix,
    ).values;
    const two: TaskTarget = { ...binary, taskKind: "multiclass", nClasses: 2 };
    // Two opposite score vectors β/2 are penalised half as much as one of β.
    const asSoftmax = predict(
      trainLinear({ matrix, target: two, parameters: { lambdaL2: 2 } }),
      matrix,
    ).values;
    asBinary.forEach((value, row) => expect(asSoftmax[2 * row + 1]).toBeCloseTo(value, 5));
  });

  it("weights classes, and repeats its bytes", () => {
    const mean = (input: LinearInput) =>
      predict(trainLinear(input), matrix).values.reduce((sum, value) => sum + value, 0) / N_ROWS;
    expect(mean({ matrix, target: binary, classWeights: [1, 5] })).toBeGreaterThan(
      mean({ matrix, target: binary }) + 0.1,
    );
    const bytes = () => JSON.stringify(trainLinear({ matrix, target: multiclass }));
    expect(bytes()).toBe(bytes());
  });

  it("weights rows as if they were repeated", () => {
    const weights = valuesOf((row) => 1 + (row % 2));
    const trainRows = Int32Array.from(
      valuesOf((row) => row).reduce<number[]>((rows, row) => {
        rows.push(...(row % 2 === 1 ? [row, row] : [row]));
        return rows;
      }, []),
    );
    for (const target of [regression, binary]) {
      const byWeight = predict(trainLinear({ matrix, target, weights }), matrix).values;
      const byRows = predict(trainLinear({ matrix, target, trainRows }), matrix).values;
      byWeight.forEach((value, row) => expect(value).toBeCloseTo(byRows[row], 5));
    }
  });

  it("stops when asked to", () => {
    const hooks = { shouldStop: () => true };
    expect(() => trainLinear({ matrix, target: binary, hooks })).toThrow(TrainingCancelledError);
  });
});

describe("solveCholesky", () => {
  it("solves a known system", () => {
    const x = solveCholesky(Float64Array.of(4, 2, 2, 3), Float64Array.of(10, 8));
    expect(x[0]).toBeCloseTo(1.75, 12);
    expect(x[1]).toBeCloseTo(1.5, 12);
  });

  it("gives 0 to an unknown that depends on another", () => {
    expect([...solveCholesky(Float64Array.of(1, 1, 1, 1), Float64Array.of(2, 2))]).toEqual([2, 0]);
  });
});

describe("an L1 penalty", () => {
  const random = createGenerator("elastic");
  const [nRows, nColumns] = [400, 6];
  const cells = Float64Array.from({ length: nRows * nColumns }, () => random.normal());
  const values = Float64Array.from(
    { length: nRows },
    (_, row) =>
      3 * (cells[row * nColumns] ?? 0) - 2 * (cells[row * nColumns + 1] ?? 0) + 0.1 * random.normal(),
  );
  const input = {
    matrix: { data: cells, nRows, nColumns },
    target: { taskKind: "regression" as const, values },
  };
  const train = (parameters: { lambdaL1?: number; lambdaL2?: number }) =>
    trainLinear({ ...input, parameters });

  it("leaves out columns that say nothing", () => {
    const { coefficients } = train({ lambdaL1: 40, lambdaL2: 0 });
    expect(coefficients.slice(2)).toEqual([0, 0, 0, 0]);
    expect(coefficients[0]).toBeGreaterThan(2);
    expect(train({ lambdaL1: 1e6 }).coefficients).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("approaches ridge as it vanishes", () => {
    const [net, ridge] = [train({ lambdaL1: 1e-9, lambdaL2: 5 }), train({ lambdaL2: 5 })];
    net.coefficients.forEach((value, j) => expect(value).toBeCloseTo(ridge.coefficients[j] ?? NaN, 6));
  });

  it("meets the conditions of an optimum", () => {
    // For each column: |gradient of the smooth part| ≤ λ₁, and = λ₁ where the coefficient is not 0.
    const [lambdaL1, lambdaL2] = [20, 3];
    const { coefficients, intercepts, means, scales } = train({ lambdaL1, lambdaL2 });
    for (let j = 0; j < nColumns; j++) {
      let gradient = -lambdaL2 * (coefficients[j] ?? 0);
      for (let row = 0; row < nRows; row++) {
        const z = (k: number) => ((cells[row * nColumns + k] ?? 0) - (means[k] ?? 0)) / (scales[k] ?? 1);
        const answer = coefficients.reduce((sum, beta, k) => sum + beta * z(k), intercepts[0] ?? 0);
        gradient += ((values[row] ?? 0) - answer) * z(j);
      }
      if (coefficients[j] === 0) expect(Math.abs(gradient)).toBeLessThanOrEqual(lambdaL1 + 1e-6);
      else expect(Math.abs(gradient)).toBeCloseTo(lambdaL1, 3);
    }
  });

  it("is refused for classes", () => {
    const target = { taskKind: "binary" as const, values: values.map((value) => Number(value > 0)) };
    expect(() => trainLinear({ ...input, target, parameters: { lambdaL1: 1 } })).toThrow(/lambdaL1/);
  });
});
