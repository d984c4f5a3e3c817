import { describe, expect, it } from "vitest";
import { rootMeanSquaredError } from "../metrics/regression.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import type { TreeCheckpoint } from "../training-hooks.ts";
import { Team } from "./threads/team.ts";
import { trainGbdt } from "./trainer.ts";
import type { DenseInput } from "./trainer.ts";

/** More rows than one chunk. */
const N_ROWS = 20_000;
const N_TRAIN = 17_000;

/** Lives about a line with a deviation of 40, of which most are cut off before their end. */
function createFleet() {
  const generator = createGenerator("censored");
  const data = new Float64Array(new SharedArrayBuffer(8 * 2 * N_ROWS));
  data.forEach((_, cell) => (data[cell] = generator.next()));
  const lives = Float64Array.from(
    { length: N_ROWS },
    (_, row) => 200 + 300 * data[2 * row] + 40 * generator.normal(),
  );
  const ends = lives.map(() => 450 * generator.next());
  const input: DenseInput = {
    matrix: { data, nRows: N_ROWS, nColumns: 2 },
    target: { taskKind: "regression", values: lives.map((life, row) => Math.min(life, ends[row])) },
    censored: Uint8Array.from(lives, (life, row) => (ends[row] < life ? 1 : 0)),
    trainRows: Int32Array.from({ length: N_TRAIN }, (_, row) => row),
    validationRows: Int32Array.from({ length: N_ROWS - N_TRAIN }, (_, row) => N_TRAIN + row),
    parameters: { numIterations: 40, numLeaves: 8 },
    seed: 1,
  };
  return { input, lives };
}

const { input, lives } = createFleet();
const { parameters = {}, censored = new Uint8Array() } = input;
const textOf = (given: DenseInput) => JSON.stringify(trainGbdt(given));

describe("lower bounds among the targets", () => {
  it("are learnt from by default, and how far lives scatter as well", () => {
    expect(censored.reduce((sum, flag) => sum + flag, 0)).toBeGreaterThan(0.6 * N_ROWS);
    const errorOf = (given: DenseInput) =>
      rootMeanSquaredError(lives, predict(trainGbdt(given).model, input.matrix).values);
    const learnt = errorOf(input);
    // 40 is what scatters whatever is learnt.
    expect(learnt).toBeLessThan(42);
    for (const censoredScale of [4, 400])
      expect(errorOf({ ...input, parameters: { ...parameters, censoredScale } })).toBeGreaterThan(learnt + 2);
    const { censored: _, ...blind } = input;
    expect(errorOf(blind)).toBeGreaterThan(100);
  });

  it("give the same bytes for any number of threads, on either kernel and after a resume", async () => {
    const short = { ...input, parameters: { ...parameters, numIterations: 7 } };
    const whole = textOf(short);
    const team = new Team(2);
    expect(textOf({ ...short, team })).toBe(whole);
    await team.close();
    expect(textOf({ ...short, kernels: "plain" })).toBe(whole);
    const checkpoints: TreeCheckpoint[] = [];
    const onCheckpoint = (made: TreeCheckpoint) => void checkpoints.push(made);
    trainGbdt({ ...short, hooks: { checkpointEvery: 3, onCheckpoint } });
    const resumeFrom = JSON.parse(JSON.stringify(checkpoints[0])) as TreeCheckpoint;
    expect(resumeFrom.iteration).toBe(3);
    expect(textOf({ ...short, resumeFrom })).toBe(whole);
  });

  it("count in no stopping metric: nobody knows how wrong an answer above a bound is", () => {
    const given = { ...parameters, numIterations: 1, stoppingMetric: "mae", earlyStoppingRounds: 1 } as const;
    const { model, history } = trainGbdt({ ...input, parameters: given });
    const known = Int32Array.from(lives.keys()).filter((row) => row >= N_TRAIN && censored[row] === 0);
    const answers = predict(model, input.matrix).values;
    const error = known.reduce((sum, row) => sum + Math.abs(answers[row] - lives[row]), 0) / known.length;
    expect(history[0]).toBeCloseTo(error, 9);
    const allBounds = Int32Array.from(lives.keys()).filter((row) => row >= N_TRAIN && censored[row] === 1);
    expect(() => trainGbdt({ ...input, validationRows: allBounds, parameters: given })).toThrow(
      "stoppingMetric mae needs a validation row whose target is known",
    );
  });

  it("are refused where they are all there is, or the objective cannot use them", () => {
    expect(() => trainGbdt({ ...input, censored: new Uint8Array(N_ROWS).fill(1) })).toThrow(
      `the target must be known of at least one training row, got ${N_TRAIN} rows that are all lower bounds`,
    );
    expect(() => trainGbdt({ ...input, parameters: { objective: "huber" } })).toThrow(
      "objective huber takes targets that are known",
    );
    expect(() => trainGbdt({ ...input, censored: new Uint8Array(3) })).toThrow("censored must have one flag");
    const values = input.target.values.slice();
    values[5] = Number.NaN;
    expect(() => trainGbdt({ ...input, target: { taskKind: "regression", values } })).toThrow("target[5]");
  });

  it("bear a target without any scatter", () => {
    const values = new Float64Array(N_ROWS).fill(7);
    const { model } = trainGbdt({ ...input, target: { taskKind: "regression", values } });
    const [answer] = predict(model, { data: new Float64Array(2), nRows: 1, nColumns: 2 }).values;
    expect(answer).toBeCloseTo(7, 2);
  });
});
