import { describe, expect, it } from "vitest";
import type { DecisionTree } from "../decision-tree.ts";
import { computeMetrics } from "../metrics/compute-metrics.ts";
import { nasaScore } from "../metrics/regression.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { TreeCheckpoint } from "../training-hooks.ts";
import { selectDescending } from "./sampling.ts";
import type { DenseInput } from "./trainer.ts";
import { trainGbdt } from "./trainer.ts";

const N_ROWS = 3000;
const N_COLUMNS = 4;

/** y rises with x0, falls with x1, and has noise with a heavy tail. */
function createInput(parameters: DenseInput["parameters"], more: Partial<DenseInput> = {}): DenseInput {
  const generator = createGenerator("options");
  const data = Float64Array.from({ length: N_ROWS * N_COLUMNS }, () => generator.normal());
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const [first, second, third, fourth] = data.subarray(row * N_COLUMNS, (row + 1) * N_COLUMNS);
    const noise = generator.next() < 0.02 ? 60 * generator.next() : 0.5 * generator.normal();
    return 20 + 3 * first - 2 * second + third * fourth + noise;
  });
  return {
    matrix: { data, nRows: N_ROWS, nColumns: N_COLUMNS },
    target: { taskKind: "regression", values },
    parameters: { numIterations: 60, numLeaves: 15, ...parameters },
    seed: 5,
    ...more,
  };
}

const predicted = (input: DenseInput) => predict(trainGbdt(input).model, input.matrix).values;

describe("objectives", () => {
  it.each([0.1, 0.5, 0.9])("quantile %d lies above its share of the targets", (quantileLevel) => {
    const input = createInput({ objective: "quantile", quantileLevel });
    const share = predicted(input).filter((value, row) => input.target.values[row] <= value).length / N_ROWS;
    expect(Math.abs(share - quantileLevel)).toBeLessThan(0.03);
  });

  it.each(["absoluteError", "huber"] as const)("%s bears outliers better than squared error", (objective) => {
    const medianError = (values: Float64Array, input: DenseInput) =>
      values.map((value, row) => Math.abs(value - input.target.values[row])).sort()[N_ROWS / 2];
    const plain = createInput({});
    const robust = createInput({ objective, huberDelta: 2 });
    expect(medianError(predicted(robust), robust)).toBeLessThan(medianError(predicted(plain), plain));
  });

  it("nasaScore predicts earlier than squared error", () => {
    const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(predicted(createInput({ objective: "nasaScore" })))).toBeLessThan(
      mean(predicted(createInput({}))),
    );
  });

  it.each([1, 2, 3])("nasaScore scores lower on rows that were not seen, draw %i", (draw) => {
    const generator = createGenerator(`lives/${draw}`);
    const nRows = 2000;
    const data = Float64Array.from({ length: 3 * nRows }, () => generator.normal());
    // Late answers cost more than early ones, and there is noise to be careful about.
    const values = Float64Array.from(
      { length: nRows },
      (_, row) => 60 + 20 * data[3 * row] - 10 * Math.abs(data[3 * row + 1]) + 12 * generator.normal(),
    );
    const score = (objective: "nasaScore" | "squaredError") => {
      const { model } = trainGbdt({
        matrix: { data, nRows, nColumns: 3 },
        target: { taskKind: "regression", values },
        trainRows: Int32Array.from({ length: 1400 }, (_, row) => row),
        parameters: { objective, numIterations: 50, numLeaves: 8 },
        seed: draw,
      });
      const unseen = predict(model, { data: data.subarray(3 * 1400), nRows: 600, nColumns: 3 }).values;
      return nasaScore(values.subarray(1400), unseen);
    };
    expect(score("nasaScore")).toBeLessThan(score("squaredError"));
  });

  it("censoredNormal learns from lower bounds", () => {
    const input = createInput({});
    const truth = input.target.values;
    const censored = Uint8Array.from(truth, (_, row) => row % 2);
    // Half of the machines were last seen 8 before their end.
    const values = truth.map((value, row) => (censored[row] === 1 ? value - 8 : value));
    const error = (given: DenseInput) =>
      Math.abs(predicted(given).reduce((sum, value, row) => sum + value - truth[row], 0) / N_ROWS);
    const target = { taskKind: "regression" as const, values };
    const blind = error({ ...input, target });
    const aware = error({
      ...input,
      target,
      censored,
      parameters: { ...input.parameters, objective: "censoredNormal", censoredScale: 4 },
    });
    expect(blind).toBeGreaterThan(3);
    expect(aware).toBeLessThan(1.5);
  });

  it("refuses one of another task", () => {
    expect(() => trainGbdt(createInput({ objective: "logLoss" }))).toThrow("objective logLoss is for binary");
    expect(() => trainGbdt(createInput({ stoppingMetric: "rocAuc" }))).toThrow(
      "stoppingMetric rocAuc is for binary",
    );
  });
});

describe("constraints", () => {
  it("monotone columns are monotone everywhere, at little cost", () => {
    const input = createInput({ numLeaves: 31 }, { monotone: [1, -1, 0, 0] });
    const { model } = trainGbdt(input);
    const generator = createGenerator("monotone");
    for (let trial = 0; trial < 200; trial++) {
      const row = Array.from({ length: N_COLUMNS }, () => generator.normal());
      const grid = [-3, -1, -0.5, 0, 0.5, 1, 3];
      const along = (column: number) => {
        const data = Float64Array.from(
          grid.flatMap((value) => row.map((old, c) => (c === column ? value : old))),
        );
        return [...predict(model, { data, nRows: grid.length, nColumns: N_COLUMNS }).values];
      };
      expect(along(0)).toEqual(along(0).toSorted((a, b) => a - b));
      expect(along(1)).toEqual(along(1).toSorted((a, b) => b - a));
    }
  });

  it("columns of different groups never meet on a path", () => {
    const { model } = trainGbdt(createInput({}, { interactions: [[0, 1], [2]] }));
    const groupOf = [0, 0, 1, 2];
    for (const tree of model.trees)
      for (const path of pathsOf(tree)) {
        expect(new Set(path.map((column) => groupOf[column])).size).toBeLessThanOrEqual(1);
      }
  });

  it("an L1 penalty takes small leaves to 0", () => {
    const { model } = trainGbdt(createInput({ lambdaL1: 1e9 }));
    expect(model.trees.flatMap((tree) => tree.value).every((value) => value === 0)).toBe(true);
    const free = trainGbdt(createInput({ numIterations: 5 })).model;
    const barely = trainGbdt(createInput({ numIterations: 5, lambdaL1: 1e-12 })).model;
    expect(barely.trees.map((tree) => tree.feature)).toEqual(free.trees.map((tree) => tree.feature));
  });

  it("refuses what is no constraint", () => {
    expect(() => trainGbdt(createInput({}, { monotone: [1, 0] }))).toThrow("one sign per column [4], got 2");
    expect(() => trainGbdt(createInput({}, { monotone: [2, 0, 0, 0] }))).toThrow(
      "monotone[0] must be −1, 0 or 1",
    );
    expect(() => trainGbdt(createInput({}, { interactions: [[7]] }))).toThrow("interactions[0][0]");
  });
});

function pathsOf(tree: DecisionTree, node = 0): number[][] {
  if (tree.feature[node] < 0) return [[]];
  const below = [...pathsOf(tree, tree.left[node]), ...pathsOf(tree, tree.right[node])];
  return below.map((path) => [tree.feature[node], ...path]);
}

describe("one-sided sampling", () => {
  it("learns from a fifth of the rows nearly as well, the same each time", () => {
    const rmse = (input: DenseInput) => {
      const values = predicted(input);
      return Math.sqrt(
        values.reduce((sum, value, row) => sum + (value - input.target.values[row]) ** 2, 0) / N_ROWS,
      );
    };
    const sampled = createInput({ topRate: 0.1, otherRate: 0.1 });
    expect(rmse(sampled)).toBeLessThan(1.25 * rmse(createInput({})));
    expect(JSON.stringify(trainGbdt(sampled))).toBe(JSON.stringify(trainGbdt(sampled)));
  });

  it("refuses rates that contradict", () => {
    expect(() => trainGbdt(createInput({ topRate: 0.8, otherRate: 0.4 }))).toThrow(
      "at most 1, got 0.8 + 0.4",
    );
    expect(() => trainGbdt(createInput({ topRate: 0.2, baggingFraction: 0.5, baggingFreq: 1 }))).toThrow(
      "excludes",
    );
  });

  it("selects the n-th largest", () => {
    const generator = createGenerator("select");
    const values = Float64Array.from({ length: 500 }, () => Math.round(20 * generator.normal()));
    const sorted = values.toSorted((a, b) => b - a);
    for (const n of [1, 2, 17, 250, 499, 500])
      expect(selectDescending(values.slice(), n)).toBe(sorted[n - 1]);
  });
});

describe("continued training", () => {
  it("ends where one training would have", () => {
    const whole = trainGbdt(createInput({ numIterations: 20 })).model;
    const half = trainGbdt(createInput({ numIterations: 10 })).model;
    const rest = trainGbdt(createInput({ numIterations: 10 }, { initModel: half })).model;
    expect(rest).toEqual(whole);
  });

  it("refuses a model of another shape", () => {
    const { model } = trainGbdt(createInput({ numIterations: 1 }));
    expect(() => trainGbdt(createInput({}, { initModel: { ...model, nFeatures: 9 } }))).toThrow(
      "initModel must be",
    );
  });
});

it("stops on the metric of choice", () => {
  const half = Int32Array.from({ length: N_ROWS / 2 }, (_, row) => row);
  const other = half.map((row) => row + N_ROWS / 2);
  const rows = { trainRows: half, validationRows: other };
  const run = (stoppingMetric: "rmse" | "mae") =>
    trainGbdt(createInput({ numIterations: 400, earlyStoppingRounds: 10, stoppingMetric }, rows));
  const [byRmse, byMae] = [run("rmse"), run("mae")];
  expect(byRmse.isStoppedEarly).toBe(true);
  expect(byMae.history[byMae.bestIteration - 1]).toBe(Math.min(...byMae.history));
  expect(byMae.history[0]).not.toBe(byRmse.history[0]);
});

it.each([
  ["rocAuc", 0],
  ["rocAuc", 1],
  ["averagePrecision", 0],
] as const)("refuses to stop on %s where the validation rows are all of class %d", (stoppingMetric, code) => {
  const { matrix } = createInput({});
  const trainRows = Int32Array.from({ length: 2000 }, (_, row) => row);
  const validationRows = Int32Array.from({ length: 500 }, (_, row) => 2000 + row);
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => (row < 2000 ? row % 2 : code));
  const target = { taskKind: "binary", values } as const;
  const parameters = { stoppingMetric, earlyStoppingRounds: 5 };
  expect(() => trainGbdt({ matrix, target, trainRows, validationRows, parameters, seed: 1 })).toThrow(
    `stoppingMetric ${stoppingMetric} needs validation rows of both classes, got 500 of class ${code} alone`,
  );
});

describe("early stopping of several classes", () => {
  const { matrix } = createInput({});
  const noise = createGenerator("classes");
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const score = matrix.data[row * N_COLUMNS] + 0.7 * noise.normal();
    // The last class is rare, so that accuracy and macro F1 part.
    return score < 0 ? 0 : score < 1.6 ? 1 : 2;
  });
  const half = Int32Array.from({ length: N_ROWS / 2 }, (_, row) => row);
  const input = {
    matrix,
    target: { taskKind: "multiclass", values, nClasses: 3 } as const,
    trainRows: half,
    validationRows: half.map((row) => row + N_ROWS / 2),
    seed: 1,
  };
  const run = (stoppingMetric: "loss" | "accuracy" | "macroF1", earlyStoppingRounds = 15) =>
    trainGbdt({
      ...input,
      parameters: { stoppingMetric, earlyStoppingRounds, numIterations: 120, learningRate: 0.3 },
    });

  it.each(["accuracy", "macroF1"] as const)("watches %s as evaluation computes it", (metric) => {
    const { model, history, bestIteration, isStoppedEarly } = run(metric);
    expect(isStoppedEarly).toBe(true);
    expect(bestIteration).toBe(history.indexOf(Math.max(...history)) + 1);
    const data = matrix.data.slice((N_ROWS / 2) * N_COLUMNS);
    const probability = predict(model, { data, nRows: N_ROWS / 2, nColumns: N_COLUMNS }).values;
    const truth = values.subarray(N_ROWS / 2);
    const found = computeMetrics("multiclass", truth, probability, { nClasses: 3 });
    expect(history[bestIteration - 1]).toBe(found[metric]);
  });

  it("keeps other rounds than by the loss, and than by the other", () => {
    const kept = [run("loss"), run("accuracy"), run("macroF1")].map((one) => one.history[0]);
    expect(new Set(kept).size).toBe(3);
  });

  it("goes on from a checkpoint to the same bytes", () => {
    const taken: TreeCheckpoint[] = [];
    const parameters = { stoppingMetric: "macroF1", earlyStoppingRounds: 15, numIterations: 60 } as const;
    const hooks = { checkpointEvery: 7, onCheckpoint: (one: TreeCheckpoint) => void taken.push(one) };
    const whole = JSON.stringify(trainGbdt({ ...input, parameters, hooks }));
    const [resumeFrom] = taken;
    if (resumeFrom === undefined) throw new Error("no checkpoint");
    expect(JSON.stringify(trainGbdt({ ...input, parameters, resumeFrom }))).toBe(whole);
  });

  it("refuses what is of two classes or of numbers, and two classes what is of several", () => {
    const parameters = { stoppingMetric: "rocAuc", earlyStoppingRounds: 5 } as const;
    expect(() => trainGbdt({ ...input, parameters })).toThrow(
      "stoppingMetric rocAuc is for binary, got a multiclass",
    );
    const target = { taskKind: "binary", values: values.map((value) => Math.min(1, value)) } as const;
    const ofSeveral = { stoppingMetric: "macroF1", earlyStoppingRounds: 5 } as const;
    expect(() => trainGbdt({ ...input, target, parameters: ofSeveral })).toThrow(
      "stoppingMetric macroF1 is for multiclass, got a binary",
    );
  });
});

it("says what does not fit into memory: rows, or the histograms of many leaves", () => {
  const nColumns = 600;
  const matrix = { data: new Float64Array(10 * nColumns), nRows: 10, nColumns };
  const target = { taskKind: "regression", values: new Float64Array(10) } as const;
  expect(() => trainGbdt({ matrix, target, parameters: { numLeaves: 4096 }, seed: 1 })).toThrow(
    /must fit into 4 GiB, got [\d.]+ GiB for 10 rows × 600 columns, and [\d.]+ GiB of it for the histograms of numLeaves 4096/,
  );
});
