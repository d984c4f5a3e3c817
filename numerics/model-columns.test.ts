import { expect, it } from "vitest";
import { trainIsolationForest } from "./anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "./anomaly/pca-monitor.ts";
import { trainForest } from "./forest/trainer.ts";
import { trainGbdt } from "./gbdt/trainer.ts";
import { trainLinear } from "./linear/trainer.ts";
import type { Matrix } from "./matrix.ts";
import { selectColumns, spreadModel } from "./model-columns.ts";
import { predict } from "./model.ts";
import type { TrainedModel } from "./model.ts";
import { createGenerator } from "./random/generator.ts";

const N_ROWS = 200;
const N_COLUMNS = 5;
const CHOSEN = [1, 3, 4];

const random = createGenerator("model-columns");
const all: Matrix = {
  data: Float64Array.from({ length: N_ROWS * N_COLUMNS }, () => 100 * random.normal()),
  nRows: N_ROWS,
  nColumns: N_COLUMNS,
};
const values = Float64Array.from({ length: N_ROWS }, (_, row) =>
  all.data[row * N_COLUMNS + 1] + all.data[row * N_COLUMNS + 3] > 0 ? 1 : 0,
);
const target = { taskKind: "binary" as const, values };
const trainRows = Int32Array.from({ length: N_ROWS }, (_, row) => row);

const trainers: readonly [string, (matrix: Matrix) => TrainedModel][] = [
  ["boosting", (matrix) => trainGbdt({ matrix, target, seed: 1, parameters: { numIterations: 5 } }).model],
  ["a forest", (matrix) => trainForest({ matrix, target, trainRows, seed: 1, parameters: { numTrees: 5 } })],
  ["a linear model", (matrix) => trainLinear({ matrix, target, trainRows })],
  ["a component monitor", (matrix) => trainPcaMonitor({ matrix, trainRows })],
  ["an isolation forest", (matrix) => trainIsolationForest({ matrix, trainRows, seed: 1 })],
];

it.each(trainers)("lets %s of some columns be served all, and look past the others", (_name, train) => {
  const some = selectColumns(all, CHOSEN);
  const model = train(some);
  const spread = spreadModel(model, CHOSEN, N_COLUMNS);
  expect(spread.nFeatures).toBe(N_COLUMNS);
  expect([...predict(spread, all).values]).toEqual([...predict(model, some).values]);
  const others = {
    ...all,
    data: all.data.map((value, at) => (CHOSEN.includes(at % N_COLUMNS) ? value : 1e9)),
  };
  expect([...predict(spread, others).values]).toEqual([...predict(model, some).values]);
});

it("copies shared memory into shared memory", () => {
  const data = new Float64Array(new SharedArrayBuffer(8 * 6));
  data.set([1, 2, 3, 4, 5, 6]);
  const { data: selected } = selectColumns({ data, nRows: 2, nColumns: 3 }, [2, 0]);
  expect([...selected]).toEqual([3, 1, 6, 4]);
  expect(selected.buffer).toBeInstanceOf(SharedArrayBuffer);
});
