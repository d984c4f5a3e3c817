import { describe, expect, it } from "vitest";
import { decomposeSymmetric } from "../linear/jacobi.ts";
import type { Matrix } from "../matrix.ts";
import { rocAuc } from "../metrics/binary.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import { averagePath, trainIsolationForest } from "./isolation-forest.ts";
import { trainPcaMonitor } from "./pca-monitor.ts";

const N_ROWS = 1200;
const N_COLUMNS = 6;

/** Two hidden causes behind six sensors; every 40th row breaks the pattern of the third, or is far out. */
function createTable(missing = 0): { matrix: Matrix; truth: Float64Array } {
  const generator = createGenerator("sensors");
  const truth = Float64Array.from({ length: N_ROWS }, (_, row) => Number(row % 40 === 39));
  const data = new Float64Array(N_ROWS * N_COLUMNS);
  for (let row = 0; row < N_ROWS; row++) {
    const isFar = row % 80 === 79;
    const [a, b] = [generator.normal() + (isFar ? 8 : 0), generator.normal()];
    for (let column = 0; column < N_COLUMNS; column++) {
      const value = a * Math.cos(column) + b * Math.sin(column) + 0.1 * generator.normal();
      const isBroken = truth[row] === 1 && !isFar && column === 2;
      data[row * N_COLUMNS + column] =
        generator.next() < missing ? Number.NaN : 100 * column + (isBroken ? value + 3 : value);
    }
  }
  return { matrix: { data, nRows: N_ROWS, nColumns: N_COLUMNS }, truth };
}

const table = createTable();
const healthy = Int32Array.from(
  Array.from(table.truth, (isBad, row) => (isBad === 1 ? -1 : row)).filter((row) => row >= 0),
);

describe("trainPcaMonitor", () => {
  const model = trainPcaMonitor({ matrix: table.matrix, trainRows: healthy });

  it("finds rows that break the pattern and rows far out", () => {
    expect(model.variances).toHaveLength(2);
    expect(rocAuc(table.truth, predict(model, table.matrix).values)).toBeGreaterThan(0.99);
  });

  it("measures both parts by the limit of the training rows", () => {
    const scores = predict(model, { ...table.matrix }).values;
    const nAbove = healthy.filter((row) => (scores[row] ?? 0) > 2).length;
    // Above 2 at least one part exceeds its 99 % limit: at most 2 % of the training rows.
    expect(nAbove / healthy.length).toBeLessThan(0.02);
  });

  it("bears missing, constant and all-missing columns", () => {
    const { matrix, truth } = createTable(0.05);
    const data = Float64Array.from(matrix.data, (value, index) =>
      index % N_COLUMNS === 0 ? 7 : index % N_COLUMNS === 1 ? Number.NaN : value,
    );
    const scores = predict(trainPcaMonitor({ matrix: { ...matrix, data } }), { ...matrix, data }).values;
    expect(scores.every((score) => Number.isFinite(score))).toBe(true);
    expect(rocAuc(truth, scores)).toBeGreaterThan(0.8);
  });

  it("stands one row, and refuses none", () => {
    const one = { data: Float64Array.of(1, 2), nRows: 1, nColumns: 2 };
    expect(predict(trainPcaMonitor({ matrix: one }), one).values[0]).toBe(0);
    expect(() => trainPcaMonitor({ matrix: { data: new Float64Array(), nRows: 0, nColumns: 2 } })).toThrow(
      RangeError,
    );
    expect(() => trainPcaMonitor({ matrix: one, parameters: { explainedVariance: 2 } })).toThrow(
      /explainedVariance must be/,
    );
  });
});

describe("trainIsolationForest", () => {
  const train = (seed: number) => trainIsolationForest({ matrix: table.matrix, seed });

  it("ranks far rows first and is the same for the same seed", () => {
    const model = train(1);
    const scores = predict(model, table.matrix).values;
    const isFar = Float64Array.from(table.truth, (_, row) => Number(row % 80 === 79));
    expect(rocAuc(isFar, scores)).toBeGreaterThan(0.9);
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
    expect(JSON.stringify(train(1))).toBe(JSON.stringify(model));
    expect(JSON.stringify(train(2))).not.toBe(JSON.stringify(model));
  });

  it("gives every path its published length", () => {
    // Liu et al. 2008, eq. 1, with H(i) ≈ ln i + γ.
    expect(averagePath(256)).toBeCloseTo(10.24477, 5);
    expect([averagePath(0), averagePath(1), averagePath(2)]).toEqual([0, 0, 1]);
  });

  it("bears constant columns, 1e308 and missing values", () => {
    const data = Float64Array.of(1, 1e308, Number.NaN, 1, -1e308, Number.NaN, 1, 0, Number.NaN);
    const matrix = { data, nRows: 3, nColumns: 3 };
    const scores = predict(trainIsolationForest({ matrix, seed: 1 }), matrix).values;
    expect(scores.every((score) => Number.isFinite(score))).toBe(true);
  });
});

describe("decomposeSymmetric", () => {
  it("gives back the matrix", () => {
    const generator = createGenerator("eigen");
    const n = 12;
    const half = Float64Array.from({ length: n * n }, () => generator.normal());
    const matrix = half.map(
      (_, index) => (half[index] ?? 0) + (half[(index % n) * n + Math.floor(index / n)] ?? 0),
    );
    const { values, vectors } = decomposeSymmetric(matrix, n);
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let k = 0; k < n; k++)
          sum += (vectors[row * n + k] ?? 0) * (values[k] ?? 0) * (vectors[column * n + k] ?? 0);
        expect(sum).toBeCloseTo(matrix[row * n + column] ?? 0, 10);
      }
    }
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });
});
