import { describe, expect, it } from "vitest";
import type { Matrix } from "../matrix.ts";
import { matrixFromRows } from "../matrix.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskKind } from "../task-kind.ts";
import { TrainingCancelledError } from "../training-hooks.ts";
import type { TreeCheckpoint } from "../training-hooks.ts";
import type { DenseInput } from "./trainer.ts";
import { trainGbdt } from "./trainer.ts";

const N_ROWS = 1200;

function createTable(taskKind: TaskKind): { matrix: Matrix; values: Float64Array } {
  const generator = createGenerator(`gbdt/${taskKind}`);
  const data = Float64Array.from({ length: N_ROWS * 5 }, () => generator.normal());
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const [first, second, third] = data.subarray(row * 5, row * 5 + 3);
    const score = 3 * Math.sin(2 * first) + 2 * second * third;
    if (taskKind === "regression") return score + 0.1 * generator.normal();
    return taskKind === "binary" ? Number(score > 0.5) : score < -1 ? 0 : score < 1 ? 1 : 2;
  });
  return { matrix: { data, nRows: N_ROWS, nColumns: 5 }, values };
}

const range = (begin: number, end: number) => Int32Array.from({ length: end - begin }, (_, i) => begin + i);
const trainRows = range(0, 900);
const validationRows = range(900, N_ROWS);

function createInput(taskKind: TaskKind): DenseInput {
  const { matrix, values } = createTable(taskKind);
  return {
    matrix,
    target: { taskKind, values, nClasses: 3 },
    trainRows,
    validationRows,
    parameters: { numIterations: 60, numLeaves: 15 },
    seed: 1,
  };
}

/** Share of validation rows whose likeliest class is right. */
function accuracy(input: DenseInput): number {
  const { values, nOutputs } = predict(trainGbdt(input).model, input.matrix);
  let nRight = 0;
  for (const row of validationRows) {
    const outputs = [...values.subarray(row * nOutputs, (row + 1) * nOutputs)];
    const found = nOutputs === 1 ? Number(outputs[0] > 0.5) : outputs.indexOf(Math.max(...outputs));
    nRight += Number(found === input.target.values[row]);
  }
  return nRight / validationRows.length;
}

describe("trainGbdt learns", () => {
  it("a regression", () => {
    const input = createInput("regression");
    const predicted = predict(trainGbdt(input).model, input.matrix).values;
    let squares = 0;
    for (const row of validationRows) squares += (predicted[row] - input.target.values[row]) ** 2;
    // LightGBM 4.x with the same settings reaches 1.33 on these rows; the target's deviation is 2.9.
    expect(Math.sqrt(squares / validationRows.length)).toBeLessThan(1.33);
  });

  it.each(["binary", "multiclass"] as const)("a %s task", (taskKind) => {
    expect(accuracy(createInput(taskKind))).toBeGreaterThan(0.82);
  });

  it("the direction of missing values", () => {
    const rows = Array.from({ length: 200 }, (_, index) => [index % 2 === 0 ? Number.NaN : index, 1]);
    const target = {
      taskKind: "regression" as const,
      values: Float64Array.from(rows, (_, index) => Number(index % 2 === 0)),
    };
    const { model } = trainGbdt({ matrix: matrixFromRows(rows, 2), target, seed: 1 });
    const probes = matrixFromRows(
      [
        [Number.NaN, 1],
        [-1e9, 1],
        [50, 1],
        [1e9, 1],
      ],
      2,
    );
    const [missing, ...present] = predict(model, probes).values;
    expect(missing).toBeCloseTo(1, 6);
    for (const value of present) expect(value).toBeCloseTo(0, 6);
  });

  it("more positives with a weight on them", () => {
    const input = createInput("binary");
    const mean = (result: ReturnType<typeof trainGbdt>) =>
      predict(result.model, input.matrix).values.reduce((sum, value) => sum + value, 0) / N_ROWS;
    const few = { ...input, parameters: { numIterations: 5 } };
    const plain = mean(trainGbdt(few));
    expect(mean(trainGbdt({ ...few, parameters: { ...few.parameters, scalePosWeight: 9 } }))).toBeGreaterThan(
      plain + 0.1,
    );
    expect(mean(trainGbdt({ ...few, classWeights: [1, 9] }))).toBeGreaterThan(plain + 0.1);
  });

  it("the same from repeated rows as from integer weights", () => {
    const input = createInput("regression");
    const weights = Float64Array.from({ length: N_ROWS }, (_, row) => 1 + (row % 2));
    const repeated = Int32Array.from(trainRows).toSorted();
    const doubled = Int32Array.from([...repeated].flatMap((row) => (row % 2 === 1 ? [row, row] : [row])));
    const parameters = { numIterations: 3, minDataInLeaf: 1, minDataInBin: 1, maxBin: 16, lambdaL2: 1 };
    const grid = { ...input.matrix, data: input.matrix.data.map((value) => Math.round(value * 2)) };
    const byWeight = trainGbdt({
      ...input,
      matrix: grid,
      weights,
      parameters: { ...parameters, numLeaves: 4 },
    });
    const byRows = trainGbdt({
      ...input,
      matrix: grid,
      trainRows: doubled,
      parameters: { ...parameters, numLeaves: 4 },
    });
    const [left, right] = [predict(byWeight.model, grid).values, predict(byRows.model, grid).values];
    left.forEach((value, row) => expect(value).toBeCloseTo(right[row], 9));
  });
});

describe("trainGbdt is repeatable", () => {
  const sampled = { numIterations: 12, featureFraction: 0.6, baggingFraction: 0.7, baggingFreq: 2 };

  it.each(["regression", "binary", "multiclass"] as const)("same seed, same bytes: %s", (taskKind) => {
    const input = { ...createInput(taskKind), parameters: sampled };
    const first = JSON.stringify(trainGbdt(input));
    expect(JSON.stringify(trainGbdt(input))).toBe(first);
    expect(JSON.stringify(trainGbdt({ ...input, seed: 2 }))).not.toBe(first);
  });

  it("a resumed training equals an undisturbed one", () => {
    const checkpoints: TreeCheckpoint[] = [];
    const hooks = {
      checkpointEvery: 5,
      onCheckpoint: (taken: TreeCheckpoint) => void checkpoints.push(taken),
    };
    const input = { ...createInput("multiclass"), parameters: sampled };
    const whole = JSON.stringify(trainGbdt({ ...input, hooks }));
    expect(checkpoints.map((taken) => taken.iteration)).toEqual([5, 10]);
    const stored = JSON.parse(JSON.stringify(checkpoints[0])) as TreeCheckpoint;
    expect(JSON.stringify(trainGbdt({ ...input, resumeFrom: stored }))).toBe(whole);
  });
});

describe("trainGbdt ends", () => {
  it("early, at the best round", () => {
    const input = createInput("regression");
    const parameters = { numIterations: 2000, learningRate: 0.3, earlyStoppingRounds: 10 };
    const result = trainGbdt({ ...input, parameters });
    expect(result.isStoppedEarly).toBe(true);
    expect(result.model.trees).toHaveLength(result.bestIteration);
    expect(result.history).toHaveLength(result.bestIteration + 10);
    expect(Math.min(...result.history)).toBe(result.history[result.bestIteration - 1]);
  });

  it("when asked to", () => {
    const seen: number[] = [];
    const hooks = {
      onProgress: ({ iteration }: { iteration: number }) => void seen.push(iteration),
      shouldStop: () => seen.length === 3,
    };
    expect(() => trainGbdt({ ...createInput("binary"), hooks })).toThrow(TrainingCancelledError);
    expect(seen).toEqual([1, 2, 3]);
  });

  it.each([
    ["one row", [[1, 2]], [5]],
    [
      "all-equal targets",
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [5, 5, 5],
    ],
    [
      "an all-missing column",
      [
        [Number.NaN, 1],
        [Number.NaN, 2],
        [Number.NaN, 3],
      ],
      [5, 5, 5],
    ],
  ])("with a constant model for %s", (_name, rows, values) => {
    const target = { taskKind: "regression" as const, values: Float64Array.from(values) };
    const matrix = matrixFromRows(rows, 2);
    const { model } = trainGbdt({
      matrix,
      target,
      seed: 1,
      parameters: { numIterations: 3, minDataInLeaf: 1 },
    });
    for (const value of predict(model, matrix).values) expect(value).toBeCloseTo(5, 9);
  });

  it("with one class only", () => {
    const target = { taskKind: "binary" as const, values: new Float64Array(30).fill(1) };
    const matrix = matrixFromRows(
      Array.from({ length: 30 }, (_, row) => [row]),
      1,
    );
    const { model } = trainGbdt({ matrix, target, seed: 1, parameters: { numIterations: 3 } });
    for (const value of predict(model, matrix).values) expect(value).toBeGreaterThan(0.99);
  });
});

describe("trainGbdt refuses", () => {
  const input = createInput("binary");
  it.each<[string, Partial<DenseInput>, RegExp]>([
    ["an unknown parameter", { parameters: { leaves: 3 } as never }, /unknown parameter leaves/],
    [
      "a parameter out of range",
      { parameters: { learningRate: 0 } },
      /learningRate must be a number in \(0, 1\]/,
    ],
    ["a fractional count", { parameters: { numLeaves: 3.5 } }, /numLeaves must be an integer/],
    ["no rows", { trainRows: new Int32Array(0) }, /trainRows/],
    ["a row outside", { trainRows: Int32Array.of(N_ROWS) }, /trainRows\[0\]/],
    [
      "a target of another task",
      { target: { taskKind: "binary", values: new Float64Array(N_ROWS).fill(2) } },
      /target\[0\]/,
    ],
    ["a short target", { target: { taskKind: "binary", values: new Float64Array(3) } }, /one value per row/],
    ["a negative weight", { weights: new Float64Array(N_ROWS).fill(-1) }, /weights\[0\]/],
    [
      "early stopping without validation rows",
      { parameters: { earlyStoppingRounds: 5 }, validationRows: undefined as never },
      /validationRows/,
    ],
    [
      "an infinite value",
      { matrix: { ...input.matrix, data: input.matrix.data.map(() => Infinity) } },
      /row 0, column 0/,
    ],
  ])("%s", (_name, change, message) => {
    expect(() => trainGbdt({ ...input, ...change })).toThrow(message);
  });
});
