import { afterAll, describe, expect, it } from "vitest";
import { trainForest } from "../../forest/trainer.ts";
import { createGenerator } from "../../random/generator.ts";
import type { RowReader } from "../../row-reader.ts";
import type { TreeCheckpoint } from "../../training-hooks.ts";
import { TrainingCancelledError } from "../../training-hooks.ts";
import type { DenseInput } from "../trainer.ts";
import { trainGbdt } from "../trainer.ts";
import { Team } from "./team.ts";
import type { TrainingJob } from "./team.ts";

/** More rows than one chunk, so that every step is shared; few columns, so that blocks are cut into parts. */
const N_ROWS = 40_000;

function createInput(nColumns: number, taskKind: "binary" | "regression" | "multiclass"): DenseInput {
  const generator = createGenerator("team");
  const shared = new SharedArrayBuffer(N_ROWS * nColumns * 8);
  const data = new Float64Array(shared);
  data.forEach((_, cell) => (data[cell] = generator.next() < 0.05 ? Number.NaN : generator.normal()));
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => {
    const score = (data[row * nColumns] || 0) * 2 + (data[row * nColumns + 1] || 0) ** 2 + generator.normal();
    if (taskKind === "regression") return score;
    return taskKind === "binary" ? Number(score > 1) : Math.min(2, Math.max(0, Math.round(score)));
  });
  return {
    matrix: { data, nRows: N_ROWS, nColumns },
    target: { taskKind, values, nClasses: 3 },
    trainRows: Int32Array.from({ length: 36_000 }, (_, row) => row),
    validationRows: Int32Array.from({ length: 4000 }, (_, row) => 36_000 + row),
    parameters: { numIterations: 4, baggingFraction: 0.9, baggingFreq: 2, featureFraction: 0.8 },
    seed: 3,
  };
}

describe("the same bytes", () => {
  const teams = [new Team(2), new Team(3)];
  afterAll(async () => {
    await Promise.all(teams.map((team) => team.close()));
  });

  it.each([
    { nColumns: 3, taskKind: "binary" },
    { nColumns: 20, taskKind: "regression" },
    { nColumns: 9, taskKind: "multiclass" },
  ] as const)("for any number of threads and either kernel: $taskKind, $nColumns columns", (shape) => {
    const input = createInput(shape.nColumns, shape.taskKind);
    const alone = JSON.stringify(trainGbdt(input));
    for (const team of teams) expect(JSON.stringify(trainGbdt({ ...input, team }))).toBe(alone);
    expect(JSON.stringify(trainGbdt({ ...input, kernels: "plain" }))).toBe(alone);
  });

  it.each([
    ["best", "binary"],
    ["random", "multiclass"],
    ["random", "regression"],
  ] as const)("of a forest as well: %s splits, %s", (splitter, taskKind) => {
    const { target, matrix } = createInput(12, taskKind);
    const checkpoints: number[] = [];
    const input = {
      matrix,
      target,
      trainRows: Int32Array.from({ length: 1200 }, (_, row) => 3 * row),
      parameters: { splitter, numTrees: 75, maxDepth: 6 },
      seed: 4,
    };
    const alone = JSON.stringify(trainForest(input));
    const onCheckpoint = ({ iteration, trees }: TreeCheckpoint) => checkpoints.push(iteration, trees.length);
    const hooks = { checkpointEvery: 25, onCheckpoint };
    for (const team of teams) expect(JSON.stringify(trainForest({ ...input, team, hooks }))).toBe(alone);
    expect(checkpoints).toEqual([25, 25, 50, 50, 75, 75, 25, 25, 50, 50, 75, 75]);
    // Stopped in the middle, the team is as good as before.
    let nAsked = 0;
    const stopped = () =>
      trainForest({ ...input, team: teams[0], hooks: { shouldStop: () => ++nAsked > 4 } });
    expect(stopped).toThrow(TrainingCancelledError);
    expect(JSON.stringify(trainForest({ ...input, team: teams[0] }))).toBe(alone);
  });

  it("or an error that names what failed in a helper, and nothing hangs", async () => {
    const team = new Team(2);
    const input = createInput(5, "binary");
    trainGbdt({ ...input, team });
    // A helper that is handed no memory cannot open the training.
    const memory = team.memory(65_536);
    expect(() => team.open({ memory } as unknown as TrainingJob)).toThrow(/a training thread failed: ./);
    await team.close();
  });

  it("from rows that are read batch by batch", () => {
    const input = createInput(5, "binary");
    const { data, nRows, nColumns } = input.matrix;
    let mostRead = 0;
    const matrix: RowReader = {
      nRows,
      nColumns,
      read(rows, target) {
        mostRead = Math.max(mostRead, rows.length);
        rows.forEach((row, index) => {
          target.set(data.subarray(row * nColumns, (row + 1) * nColumns), index * nColumns);
        });
      },
    };
    const whole = trainGbdt(input);
    expect(JSON.stringify(trainGbdt({ ...input, matrix, team: teams[0] }))).toBe(JSON.stringify(whole));
    const more = { initModel: whole.model, parameters: { ...input.parameters, numIterations: 1 } };
    expect(JSON.stringify(trainGbdt({ ...input, ...more, matrix }))).toBe(
      JSON.stringify(trainGbdt({ ...input, ...more })),
    );
    expect(mostRead).toBeLessThanOrEqual(2 ** 20 / nColumns);
  });
});
