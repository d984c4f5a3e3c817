/**
 * Bad input of every trainer: each either refuses it with a message that names what is wrong, its value and its range,
 * or learns a model whose answers are finite. Nothing in between: no silent NaN, no endless loop.
 */
import { describe, expect, it } from "vitest";
import { trainIsolationForest } from "../../numerics/anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../../numerics/anomaly/pca-monitor.ts";
import { trainForest } from "../../numerics/forest/trainer.ts";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import { trainLinear } from "../../numerics/linear/trainer.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { predict } from "../../numerics/model.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";

const N_ROWS = 200;
const N_COLUMNS = 3;

interface Given {
  readonly matrix: Matrix;
  readonly target: TaskTarget;
  readonly weights?: Float64Array;
  readonly classWeights?: readonly number[];
  readonly categorical?: readonly number[];
}
interface Trainer {
  readonly train: (given: Given) => TrainedModel;
  /** Detectors have no target and no weights. */
  readonly isDetector?: boolean;
  /** Squares what it reads. */
  readonly isLinear?: boolean;
}

const TRAINERS: Readonly<Record<string, Trainer>> = {
  boosting: {
    train: (given) => trainGbdt({ ...given, parameters: { numIterations: 5 }, seed: 1 }).model,
  },
  forest: { train: (given) => trainForest({ ...given, parameters: { numTrees: 5 }, seed: 1 }) },
  "extra trees": {
    train: (given) => trainForest({ ...given, parameters: { numTrees: 5, splitter: "random" }, seed: 1 }),
  },
  linear: { train: trainLinear, isLinear: true },
  "PCA monitor": { train: ({ matrix }) => trainPcaMonitor({ matrix }), isDetector: true, isLinear: true },
  "isolation forest": {
    train: ({ matrix }) => trainIsolationForest({ matrix, parameters: { numTrees: 5 }, seed: 1 }),
    isDetector: true,
  },
};

/** Healthy rows, then what `change` makes of the second column. */
function tableOf(nRows = N_ROWS, change: (value: number, row: number) => number = (value) => value): Matrix {
  const generator = createGenerator("bad input");
  const data = Float64Array.from({ length: nRows * N_COLUMNS }, () => generator.normal());
  for (let row = 0; row < nRows; row++)
    data[row * N_COLUMNS + 1] = change(data[row * N_COLUMNS + 1] as number, row);
  return { data, nRows, nColumns: N_COLUMNS };
}

type TaskKind = TaskTarget["taskKind"];

function targetOf(
  taskKind: TaskKind,
  nRows: number,
  change?: (value: number, row: number) => number,
): TaskTarget {
  const values = Float64Array.from({ length: nRows }, (_, row) =>
    taskKind === "regression" ? row % 7 : row % (taskKind === "binary" ? 2 : 3),
  );
  return { taskKind, values: change === undefined ? values : values.map(change), nClasses: 3 };
}

const TASKS: readonly TaskKind[] = ["regression", "binary", "multiclass"];

const ODD_COLUMNS: readonly (readonly [string, (value: number, row: number) => number])[] = [
  ["all missing", () => Number.NaN],
  ["constant", () => 7],
  ["constant at 1e38", () => 1e38],
  ["1e38", (value) => value * 1e38],
  ["5e-324 to 1e-300", (value, row) => (row % 2 === 0 ? 5e-324 : value * 1e-300)],
  ["one value and gaps", (_, row) => (row % 3 === 0 ? 1 : Number.NaN)],
  ["100 k codes", (_, row) => row * 500],
];

function expectFinite(model: TrainedModel, matrix: Matrix): void {
  for (const value of predict(model, matrix).values) expect(Number.isFinite(value)).toBe(true);
}

describe.each(Object.entries(TRAINERS))("%s", (_trainer, { train, isDetector, isLinear }) => {
  const tasks = isDetector === true ? TASKS.slice(0, 1) : TASKS;

  it.each(ODD_COLUMNS)("learns beside a column of %s", (_name, change) => {
    const matrix = tableOf(N_ROWS, change);
    for (const task of tasks) expectFinite(train({ matrix, target: targetOf(task, N_ROWS) }), matrix);
  });

  it.each([
    ["infinite", Number.POSITIVE_INFINITY],
    ["minus infinite", Number.NEGATIVE_INFINITY],
  ])("refuses an %s value, with its place", (_name, value) => {
    const matrix = tableOf(N_ROWS, (own, row) => (row === 17 ? value : own));
    const attempt = () => train({ matrix, target: targetOf("regression", N_ROWS) });
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(/must be finite or NaN \(missing\), got -?Infinity at row 17, column 1/);
  });

  it("learns beside the largest doubles, or says from where on it cannot", () => {
    const matrix = tableOf(N_ROWS, (value) => Math.sign(value) * Number.MAX_VALUE);
    const attempt = () => train({ matrix, target: targetOf("regression", N_ROWS) });
    if (isLinear === true) expect(attempt).toThrow(/within ±1e\+150.*1\.79\d*e\+308 at row 0, column 1/);
    else expectFinite(attempt(), matrix);
  });

  it("learns from one row", () => {
    const matrix = tableOf(1);
    for (const task of tasks) expectFinite(train({ matrix, target: targetOf(task, 1) }), matrix);
  });

  it("refuses no rows", () => {
    const attempt = () => train({ matrix: tableOf(0), target: targetOf("regression", 0) });
    expect(attempt).toThrow(/at least one row, got 0/);
  });

  if (isDetector === true) return;

  it("learns one class, and answers it", () => {
    const matrix = tableOf();
    for (const task of ["binary", "multiclass"] as const) {
      const model = train({ matrix, target: targetOf(task, N_ROWS, () => 1) });
      const { values, nOutputs } = predict(model, matrix);
      const own = values.filter((_, at) => nOutputs === 1 || at % nOutputs === 1);
      for (const probability of own) expect(probability).toBeGreaterThan(0.9);
    }
  });

  it.each([
    ["a number that is missing", "regression", Number.NaN, /target\[9\] must be finite, got NaN/],
    ["an infinite number", "regression", Infinity, /target\[9\] must be finite, got Infinity/],
    ["a missing class of two", "binary", Number.NaN, /target\[9\] must be an integer in 0 … 1, got NaN/],
    ["half a class", "binary", 0.5, /target\[9\] must be an integer in 0 … 1, got 0\.5/],
    ["a class beyond the last", "multiclass", 3, /target\[9\] must be an integer in 0 … 2, got 3/],
  ] as const)("refuses %s as label", (_name, task, value, message) => {
    const target = targetOf(task, N_ROWS, (own, row) => (row === 9 ? value : own));
    expect(() => train({ matrix: tableOf(), target })).toThrow(message);
  });

  it.each([
    ["negative", -1, /weights\[4\].*≥ 0.*-1/],
    ["missing", Number.NaN, /weights\[4\].*NaN/],
    ["infinite", Infinity, /weights\[4\].*Infinity/],
  ])("refuses a %s weight", (_name, value, message) => {
    const weights = new Float64Array(N_ROWS).fill(1);
    weights[4] = value;
    const target = targetOf("binary", N_ROWS);
    expect(() => train({ matrix: tableOf(), target, weights })).toThrow(message);
  });

  it("refuses weights that are all 0, of another length, and class weights below 0", () => {
    const given = { matrix: tableOf(), target: targetOf("binary", N_ROWS) };
    expect(() => train({ ...given, weights: new Float64Array(N_ROWS) })).toThrow(/weights.*0/);
    expect(() => train({ ...given, weights: new Float64Array(3) })).toThrow(
      /one value per row \[200\], got 3/,
    );
    expect(() => train({ ...given, classWeights: [1, -2] })).toThrow(/classWeights.*-2/);
  });
});

describe("boosting with categories", () => {
  it("learns from 100,000 of them, and of rows that have none", () => {
    const nRows = 100_000;
    const matrix = tableOf(nRows, (_, row) => (row % 10 === 0 ? Number.NaN : row));
    const target = targetOf("binary", nRows);
    const parameters = { numIterations: 2 };
    const { model } = trainGbdt({ matrix, target, categorical: [1], parameters, seed: 1 });
    expectFinite(model, matrix);
  });

  it.each([
    ["half a code", 0.5],
    ["a negative code", -1],
    ["a code beyond what a double counts by ones", 1e300],
  ])("takes %s for one of its own, or refuses it", (_name, value) => {
    const matrix = tableOf(N_ROWS, (_, row) => (row === 3 ? value : row % 4));
    const target = targetOf("binary", N_ROWS);
    const attempt = () =>
      trainGbdt({ matrix, target, categorical: [1], parameters: { numIterations: 2 }, seed: 1 }).model;
    let refused: unknown;
    try {
      expectFinite(attempt(), matrix);
    } catch (error) {
      refused = error;
    }
    if (refused !== undefined)
      expect(refused).toMatchObject({
        name: "RangeError",
        message: expect.stringContaining(String(value)) as string,
      });
  });
});
