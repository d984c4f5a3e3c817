import { describe, expect, it } from "vitest";
import { trainIsolationForest } from "../anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../anomaly/pca-monitor.ts";
import type { DecisionTree } from "../decision-tree.ts";
import { trainForest } from "../forest/trainer.ts";
import { trainGbdt } from "../gbdt/trainer.ts";
import { trainLinear } from "../linear/trainer.ts";
import type { TrainedModel, TreeEnsembleModel } from "../model.ts";
import { predictRaw } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskKind } from "../task-kind.ts";
import { createExplainer } from "./explainer.ts";

const N_ROWS = 600;
const N_COLUMNS = 5;

function createInput(taskKind: TaskKind) {
  const generator = createGenerator(`shap/${taskKind}`);
  const data = Float64Array.from({ length: N_ROWS * N_COLUMNS }, () =>
    generator.next() < 0.1 ? Number.NaN : generator.normal(),
  );
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const [first, second, third] = Array.from(data.subarray(row * N_COLUMNS), (value) => value || 0);
    const score = 2 * first + second * third + 0.3 * generator.normal();
    return taskKind === "regression"
      ? score
      : taskKind === "binary"
        ? Number(score > 0)
        : score < -1
          ? 0
          : score < 1
            ? 1
            : 2;
  });
  return {
    matrix: { data, nRows: N_ROWS, nColumns: N_COLUMNS },
    target: { taskKind, values, nClasses: 3 },
    seed: 2,
  };
}

const boosted = (taskKind: TaskKind): TrainedModel =>
  trainGbdt({ ...createInput(taskKind), parameters: { numIterations: 20, numLeaves: 12 } }).model;
const grown = (taskKind: TaskKind): TrainedModel =>
  trainForest({ ...createInput(taskKind), parameters: { numTrees: 12 } });

const blended = (taskKind: TaskKind): TrainedModel => {
  const members = [boosted(taskKind), grown(taskKind)].filter((member) => member.kind === "tree_ensemble");
  const nOutputs = taskKind === "multiclass" ? 3 : 1;
  const shape = { taskKind, nFeatures: N_COLUMNS, nOutputs, postTransform: "identity" } as const;
  return { kind: "blend", ...shape, members, weights: [0.6, 0.4] };
};

describe("contributions and the expected score sum to the raw score", () => {
  it.each([
    ["boosted regression", boosted("regression"), "regression"],
    ["boosted classes", boosted("multiclass"), "multiclass"],
    ["a forest of numbers", grown("regression"), "regression"],
    ["a forest of classes", grown("multiclass"), "multiclass"],
    ["a linear model", trainLinear(createInput("binary")), "binary"],
    ["a blend of numbers", blended("regression"), "regression"],
    ["a blend of probabilities", blended("binary"), "binary"],
    ["a blend of classes", blended("multiclass"), "multiclass"],
    ["a PCA monitor", trainPcaMonitor(createInput("regression")), "regression"],
    ["an isolation forest", trainIsolationForest(createInput("regression")), "regression"],
  ] as const)("%s", (_name, model, taskKind) => {
    const { matrix } = createInput(taskKind);
    const raw = predictRaw(model, matrix).values;
    const explainer = createExplainer(model);
    const contributions = new Float64Array(model.nOutputs * N_COLUMNS);
    for (let row = 0; row < 200; row++) {
      explainer.explain(matrix.data, row * N_COLUMNS, contributions);
      for (let k = 0; k < model.nOutputs; k++) {
        const sum = contributions
          .subarray(k * N_COLUMNS, (k + 1) * N_COLUMNS)
          .reduce((total, value) => total + value, explainer.expected[k]);
        expect(Math.abs(sum - raw[row * model.nOutputs + k])).toBeLessThan(1e-8);
      }
    }
  });
});

describe("terms of a blend of probabilities", () => {
  /** Log-odds of ±80 that nearly cancel, as a linear member has them far outside of what it learnt. */
  const line = (coefficients: readonly number[], nOutputs: number): TrainedModel => ({
    kind: "blend",
    taskKind: nOutputs === 1 ? "binary" : "multiclass",
    nFeatures: 3,
    nOutputs,
    postTransform: "identity",
    weights: [0.75, 0.25],
    members: [coefficients, coefficients.map((value) => value / 100)].map((own) => ({
      kind: "linear",
      taskKind: nOutputs === 1 ? "binary" : "multiclass",
      nFeatures: 3,
      nOutputs,
      postTransform: nOutputs === 1 ? "sigmoid" : "softmax",
      means: [0, 0, 0],
      scales: [1, 1, 1],
      coefficients: own,
      intercepts: Array.from({ length: nOutputs }, (_, k) => k - 1),
    })),
  });

  it.each([
    ["two classes", line([80, -81, 0.5], 1)],
    ["three classes", line([60, 0, 1, -60, 61, 0, 3, -2, 2], 3)],
  ] as const)("lie between −1 and 1, and sum to the raw score: %s", (_name, model) => {
    const explainer = createExplainer(model);
    const contributions = new Float64Array(3 * model.nOutputs);
    const generator = createGenerator("far terms");
    for (let row = 0; row < 100; row++) {
      const data = Float64Array.from({ length: 3 }, () => 1 + 0.1 * generator.normal());
      const raw = predictRaw(model, { data, nRows: 1, nColumns: 3 }).values;
      explainer.explain(data, 0, contributions);
      for (let k = 0; k < model.nOutputs; k++) {
        const own = contributions.subarray(3 * k, 3 * k + 3);
        expect(Math.abs(own[0] + own[1] + own[2] + explainer.expected[k] - raw[k])).toBeLessThan(1e-12);
        for (const term of own) expect(Math.abs(term)).toBeLessThanOrEqual(1);
      }
      // What raises the log-odds raises the probability.
      if (model.nOutputs === 1) expect(Array.from(contributions, Math.sign)).toEqual([1, -1, 1]);
    }
  });

  it("are slope · log-odds where these are small", () => {
    const model = line([0.002, -0.001, 0.0005], 1);
    const contributions = new Float64Array(3);
    createExplainer(model).explain(Float64Array.of(1, 1, 1), 0, contributions);
    const odds = 1 / (1 + Math.E);
    const slope = odds * (1 - odds) * (0.75 + 0.25 / 100);
    [0.002, -0.001, 0.0005].forEach((own, j) => expect(contributions[j] / (slope * own)).toBeCloseTo(1, 2));
  });
});

/** The score where only some features are known: at a split on an unknown one, both sides by their training rows. */
function expectation(tree: DecisionTree, row: Float64Array, known: ReadonlySet<number>, node = 0): number {
  const feature = tree.feature[node];
  if (feature < 0) return tree.value[node];
  const [left, right] = [tree.left[node], tree.right[node]];
  if (!known.has(feature)) {
    const share = tree.count[left] / tree.count[node];
    return share * expectation(tree, row, known, left) + (1 - share) * expectation(tree, row, known, right);
  }
  const value = row[feature];
  const isLeft = Number.isNaN(value) ? tree.missingLeft[node] === 1 : value <= tree.threshold[node];
  return expectation(tree, row, known, isLeft ? left : right);
}

/** The definition: over all orders in which features become known, what each adds on average. */
function shapleyByDefinition(model: TreeEnsembleModel, row: Float64Array): number[] {
  const score = (known: ReadonlySet<number>) =>
    model.trees.reduce((sum, tree) => sum + expectation(tree, row, known), 0);
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  return Array.from({ length: N_COLUMNS }, (_, feature) => {
    let total = 0;
    for (let mask = 0; mask < 2 ** N_COLUMNS; mask++) {
      const known = new Set(Array.from({ length: N_COLUMNS }, (_v, k) => k).filter((k) => (mask >> k) & 1));
      if (known.has(feature)) continue;
      const weight = (factorial(known.size) * factorial(N_COLUMNS - known.size - 1)) / factorial(N_COLUMNS);
      total += weight * (score(new Set([...known, feature])) - score(known));
    }
    return total;
  });
}

describe("with categories", () => {
  const generator = createGenerator("shap/codes");
  const data = Float64Array.from({ length: N_ROWS * 2 }, (_, cell) =>
    cell % 2 === 1 ? generator.normal() : generator.next() < 0.1 ? Number.NaN : generator.integer(9),
  );
  const values = Float64Array.from(
    { length: N_ROWS },
    (_, row) => ([2, 5, 7].includes(data[2 * row]) ? 3 : 0) + data[2 * row + 1],
  );
  const matrix = { data, nRows: N_ROWS, nColumns: 2 };
  const { model } = trainGbdt({
    matrix,
    target: { taskKind: "regression", values },
    categorical: [0],
    parameters: { numIterations: 20, minDataPerGroup: 20 },
    seed: 1,
  });

  it("sums to the raw score", () => {
    expect(model.trees.some((tree) => tree.leftCodes !== undefined)).toBe(true);
    const raw = predictRaw(model, matrix).values;
    const explainer = createExplainer(model);
    const contributions = new Float64Array(2);
    for (let row = 0; row < 200; row++) {
      explainer.explain(data, 2 * row, contributions);
      expect(contributions[0] + contributions[1] + explainer.expected[0]).toBeCloseTo(raw[row], 9);
    }
  });
});

it("equals the definition, tried on every subset of features", () => {
  const { matrix } = createInput("regression");
  const model = boosted("regression");
  if (model.kind !== "tree_ensemble") throw new Error("expected trees");
  const explainer = createExplainer(model);
  const contributions = new Float64Array(N_COLUMNS);
  for (let row = 0; row < 8; row++) {
    explainer.explain(matrix.data, row * N_COLUMNS, contributions);
    const expected = shapleyByDefinition(model, matrix.data.subarray(row * N_COLUMNS, (row + 1) * N_COLUMNS));
    expected.forEach((value, feature) => expect(contributions[feature]).toBeCloseTo(value, 9));
  }
});
