import { expect, it } from "vitest";
import type { DecisionTree } from "../../numerics/decision-tree.ts";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { Problem } from "../training/problem.ts";
import { explainModel } from "./explain-model.ts";
import type { ExplainModelJob } from "./explain-model.ts";

const N_ROWS = 600;
const generator = createGenerator("explain-model");
/** Heat decides, seen by two features; speed bends the answer a little; noise does nothing. */
const data = Float64Array.from({ length: N_ROWS * 4 }, () => generator.normal());
for (let row = 0; row < N_ROWS; row++)
  data[row * 4 + 1] = (data[row * 4] as number) + 0.01 * generator.normal();
const y = Float64Array.from(
  { length: N_ROWS },
  (_, row) => 50 + 10 * (data[row * 4] as number) + 3 * Math.abs(data[row * 4 + 2] as number),
);
const matrix = { data, nRows: N_ROWS, nColumns: 4 };
const problem: Problem = {
  kind: "regression",
  metricTask: "rul",
  primaryMetric: "rmse",
  nClasses: 1,
  cap: null,
  bounds: null,
};
const { model } = trainGbdt({
  matrix,
  target: { taskKind: "regression", values: y },
  seed: 1,
  parameters: { numIterations: 60 },
});
const rows = Int32Array.from({ length: N_ROWS }, (_, row) => row);
const job: ExplainModelJob = {
  model,
  problem,
  bounds: null,
  matrix,
  featureNames: ["heat", "mean(heat, 5)", "speed", "noise"],
  sources: ["heat", "heat", "speed", null],
  y,
  assetCodes: rows.map((row) => Math.floor(row / 10)),
  byGain: ["heat", "mean(heat, 5)", "speed", "noise"],
  rows: { train: rows.slice(0, 400), test: rows.slice(400) },
  seed: 7,
};

it("finds what the model leans on, by feature and by column, and the shape of the answer", () => {
  const { loss, features, columns, dependence } = explainModel(job, {});
  expect(loss).toBe("rmse");
  expect(features.map(({ name }) => name)).toHaveLength(4);
  expect(features.at(-1)?.name).toBe("noise");
  expect(columns.map(({ name }) => name)).toEqual(["heat", "speed"]);
  const ofHeat = features.filter(({ name }) => name.includes("heat")).map(({ rise }) => rise);
  expect(columns[0]?.rise).toBeGreaterThan(Math.max(...ofHeat));
  const speed = dependence.find(({ feature }) => feature === "speed");
  const middle = speed?.answers[10] ?? Infinity;
  expect(speed?.answers[0]).toBeGreaterThan(middle);
  expect(speed?.answers.at(-1)).toBeGreaterThan(middle);
});

it("is the same when repeated", () => {
  expect(JSON.stringify(explainModel(job, {}))).toBe(JSON.stringify(explainModel(job, {})));
});

it("tries all features of a small model, and the first twenty of a large one", () => {
  const nColumns = 30;
  const names = Array.from({ length: nColumns }, (_, column) => `f${column}`);
  const wide = Float64Array.from({ length: 200 * nColumns }, () => generator.normal());
  const target = Float64Array.from({ length: 200 }, (_, row) => wide[row * nColumns] as number);
  const stump = trainGbdt({
    matrix: { data: wide, nRows: 200, nColumns },
    target: { taskKind: "regression", values: target },
    seed: 1,
    parameters: { numIterations: 1, numLeaves: 2 },
  }).model;
  const all = rows.slice(0, 200);
  const nTried = (nTrees: number) =>
    explainModel(
      {
        ...job,
        model: { ...stump, trees: Array.from({ length: nTrees }, () => stump.trees[0] as DecisionTree) },
        matrix: { data: wide, nRows: 200, nColumns },
        featureNames: names,
        sources: names.map(() => null),
        y: target,
        assetCodes: all,
        byGain: names,
        rows: { train: all, test: all },
      },
      {},
    ).features.length;
  expect(nTried(10)).toBe(nColumns);
  expect(nTried(1000)).toBe(20);
});
