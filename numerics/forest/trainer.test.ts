import { describe, expect, it } from "vitest";
import type { Matrix } from "../matrix.ts";
import { matrixFromRows } from "../matrix.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskKind } from "../task-kind.ts";
import { TrainingCancelledError } from "../training-hooks.ts";
import type { TreeCheckpoint } from "../training-hooks.ts";
import type { ForestInput } from "./trainer.ts";
import { trainForest } from "./trainer.ts";

const N_ROWS = 900;
const N_TRAIN = 600;

function createInput(taskKind: TaskKind): ForestInput {
  const generator = createGenerator(`forest/${taskKind}`);
  const data = Float64Array.from({ length: N_ROWS * 6 }, () => generator.normal());
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const [first, second] = data.subarray(row * 6, row * 6 + 2);
    const score = 2 * first + second * second;
    if (taskKind === "regression") return 1000 + score;
    const noisy = score + generator.normal();
    return taskKind === "binary" ? Number(noisy > 2) : noisy < 0 ? 0 : noisy < 2 ? 1 : 2;
  });
  const matrix: Matrix = { data, nRows: N_ROWS, nColumns: 6 };
  const trainRows = Int32Array.from({ length: N_TRAIN }, (_, row) => row);
  return {
    matrix,
    target: { taskKind, values, nClasses: 3 },
    trainRows,
    seed: 1,
    parameters: { numTrees: 30 },
  };
}

describe("trainForest learns", () => {
  it("a regression", () => {
    const input = createInput("regression");
    const predicted = predict(trainForest(input), input.matrix).values;
    let squares = 0;
    for (let row = N_TRAIN; row < N_ROWS; row++) squares += (predicted[row] - input.target.values[row]) ** 2;
    // The target's standard deviation is 2.4.
    expect(Math.sqrt(squares / (N_ROWS - N_TRAIN))).toBeLessThan(1.1);
  });

  it.each(["binary", "multiclass"] as const)("a %s task, with probabilities", (taskKind) => {
    const input = createInput(taskKind);
    const { values, nOutputs } = predict(trainForest(input), input.matrix);
    let nRight = 0;
    for (let row = N_TRAIN; row < N_ROWS; row++) {
      const outputs = [...values.subarray(row * nOutputs, (row + 1) * nOutputs)];
      if (nOutputs > 1) expect(outputs.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
      const found = nOutputs === 1 ? Number(outputs[0] > 0.5) : outputs.indexOf(Math.max(...outputs));
      nRight += Number(found === input.target.values[row]);
    }
    expect(nRight / (N_ROWS - N_TRAIN)).toBeGreaterThan(0.68);
  });

  it.each(["binary", "multiclass"] as const)("the direction of missing values: %s", (taskKind) => {
    const rows = Array.from({ length: 300 }, (_, index) => [index % 2 === 0 ? Number.NaN : index]);
    const values = Float64Array.from(rows, (_, index) => Number(index % 2 === 0));
    const model = trainForest({
      matrix: matrixFromRows(rows, 1),
      target: { taskKind, values, nClasses: 2 },
      seed: 1,
    });
    const predicted = predict(model, matrixFromRows([[Number.NaN], [-1e9], [1e9]], 1));
    const ofClassOne = [0, 1, 2].map((row) => predicted.values[(row + 1) * predicted.nOutputs - 1]);
    expect(ofClassOne[0]).toBeGreaterThan(0.95);
    expect(Math.max(ofClassOne[1], ofClassOne[2])).toBeLessThan(0.05);
  });

  it.each(["binary", "multiclass"] as const)("more of a class with a weight on it: %s", (taskKind) => {
    const input = createInput(taskKind);
    const mean = (classWeights: readonly number[]) => {
      const { values, nOutputs } = predict(trainForest({ ...input, classWeights }), input.matrix);
      return (
        values.reduce((sum, value, index) => sum + (index % nOutputs === nOutputs - 1 ? value : 0), 0) /
        N_ROWS
      );
    };
    const [plain, weighted] =
      taskKind === "binary"
        ? [
            [1, 1],
            [1, 8],
          ]
        : [
            [1, 1, 1],
            [1, 1, 8],
          ];
    expect(mean(weighted)).toBeGreaterThan(mean(plain) + 0.05);
  });
});

describe("sharp thresholds in a tail", () => {
  // One row in a hundred fails, beyond borders that bins of equal counts blur.
  const generator = createGenerator("forest/tail");
  const nRows = 6000;
  const data = Float64Array.from({ length: 4 * nRows }, () => generator.normal());
  const values = Float64Array.from({ length: nRows }, (_, row) =>
    Number(data[4 * row] > 2.6 || data[4 * row + 1] < -2.6),
  );
  const matrix: Matrix = { data, nRows, nColumns: 4 };
  const trainRows = Int32Array.from({ length: 4000 }, (_, row) => row);
  const countErrors = (parameters: ForestInput["parameters"]) => {
    const target = { taskKind: "binary" as const, values, nClasses: 2 };
    const model = trainForest({
      matrix,
      target,
      trainRows,
      seed: 1,
      parameters: { numTrees: 40, ...parameters },
    });
    const predicted = predict(model, matrix).values;
    let nErrors = 0;
    for (let row = 4000; row < nRows; row++) nErrors += Number(predicted[row] >= 0.5 !== (values[row] === 1));
    return nErrors;
  };

  it("are found between neighbouring values", () => {
    const exact = countErrors({ minSamplesLeaf: 1 });
    // About 19 of the 2000 unseen rows fail; only those next to the border may be missed.
    expect(exact).toBeLessThanOrEqual(3);
    expect(countErrors({ minSamplesLeaf: 1, maxBin: 63 })).toBeGreaterThan(exact);
  });
});

describe("trainForest", () => {
  it("goes on from a checkpoint to the same bytes", () => {
    for (const taskKind of ["regression", "multiclass"] as const) {
      const input = { ...createInput(taskKind), parameters: { numTrees: 8, maxSamples: 0.5 } };
      const checkpoints: TreeCheckpoint[] = [];
      const onCheckpoint = (taken: TreeCheckpoint) => void checkpoints.push(taken);
      const whole = JSON.stringify(trainForest({ ...input, hooks: { checkpointEvery: 3, onCheckpoint } }));
      expect(checkpoints.map(({ iteration }) => iteration)).toEqual([3, 6]);
      for (const checkpoint of checkpoints) {
        const resumeFrom = JSON.parse(JSON.stringify(checkpoint)) as TreeCheckpoint;
        let nGrown = 0;
        const onProgress = () => void (nGrown += 1);
        const resumed = trainForest({ ...input, resumeFrom, hooks: { onProgress } });
        expect(JSON.stringify(resumed)).toBe(whole);
        expect(nGrown).toBe(8 - checkpoint.iteration);
      }
    }
  });

  it("refuses a checkpoint of more trees than it has", () => {
    const { trees } = trainForest({ ...createInput("binary"), parameters: { numTrees: 2 } });
    const resumeFrom = { iteration: 2, trees, history: [] };
    const input = { ...createInput("binary"), parameters: { numTrees: 1 }, resumeFrom };
    expect(() => trainForest(input)).toThrow(/resumeFrom .* at most 1, got 2/);
  });

  it.each(["regression", "binary", "multiclass"] as const)("repeats its bytes for a seed: %s", (taskKind) => {
    const input = { ...createInput(taskKind), parameters: { numTrees: 5 } };
    const first = JSON.stringify(trainForest(input));
    expect(JSON.stringify(trainForest(input))).toBe(first);
    expect(JSON.stringify(trainForest({ ...input, seed: 2 }))).not.toBe(first);
  });

  it("keeps enough rows in every leaf and splits no pure node", () => {
    const input = createInput("binary");
    const { trees } = trainForest({ ...input, parameters: { numTrees: 5, minSamplesLeaf: 9, maxDepth: 6 } });
    for (const tree of trees) {
      tree.feature.forEach((feature, node) => {
        // Counted are distinct rows; 9 draws of fewer than 3 rows are next to impossible here.
        expect(tree.count[node]).toBeGreaterThanOrEqual(3);
        if (feature >= 0) expect(tree.gain[node]).toBeGreaterThan(1e-9);
      });
    }
    const pure = { taskKind: "binary" as const, values: new Float64Array(N_ROWS).fill(1) };
    expect(trainForest({ ...input, target: pure }).trees.every((tree) => tree.feature.length === 1)).toBe(
      true,
    );
  });

  it("stops when asked to", () => {
    const hooks = { shouldStop: () => true };
    expect(() => trainForest({ ...createInput("binary"), hooks })).toThrow(TrainingCancelledError);
  });

  it.each<[string, Partial<ForestInput>]>([
    ["a parameter out of range", { parameters: { maxFeatures: 2 } }],
    ["no rows", { trainRows: new Int32Array(0) }],
    ["one factor for two classes", { classWeights: [1] }],
  ])("refuses %s", (_name, change) => {
    expect(() => trainForest({ ...createInput("binary"), ...change })).toThrow(RangeError);
  });
});

describe("extra trees", () => {
  const parameters = { splitter: "random", numTrees: 30 } as const;

  it.each(["regression", "binary", "multiclass"] as const)("learn from drawn borders: %s", (taskKind) => {
    const input = { ...createInput(taskKind), parameters };
    const model = trainForest(input);
    expect(JSON.stringify(trainForest(input))).toBe(JSON.stringify(model));
    expect(JSON.stringify(trainForest({ ...input, parameters: { numTrees: 30 } }))).not.toBe(
      JSON.stringify(model),
    );
    const { values, nOutputs } = predict(model, input.matrix);
    let nRight = 0;
    input.target.values.forEach((truth, row) => {
      if (taskKind === "multiclass") {
        const own = values.subarray(row * nOutputs, (row + 1) * nOutputs);
        nRight += Number(own.indexOf(Math.max(...own)) === truth);
      } else if (taskKind === "binary") nRight += Number(values[row] >= 0.5 === (truth === 1));
      else nRight += Number(Math.abs(values[row] - truth) < 2);
    });
    expect(nRight / N_ROWS).toBeGreaterThan(0.8);
  });

  it("part missing values from a column of one value", () => {
    const rows = Array.from({ length: 200 }, (_, row) => [row % 2 === 0 ? Number.NaN : 1]);
    const values = Float64Array.from(rows, (_, row) => Number(row % 2 === 0));
    const target = { taskKind: "binary" as const, values, nClasses: 2 };
    const model = trainForest({ matrix: matrixFromRows(rows, 1), target, seed: 1, parameters });
    const predicted = predict(model, matrixFromRows([[Number.NaN], [1], [1e9]], 1)).values;
    expect(predicted[0]).toBe(1);
    expect([predicted[1], predicted[2]]).toEqual([0, 0]);
  });
});
