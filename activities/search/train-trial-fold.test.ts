import { expect, it } from "vitest";
import type { GbdtCheckpoint } from "../../numerics/gbdt/trainer.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { trainOneFold } from "../training/train-one-fold.ts";
import { trainTrialFold } from "./train-trial-fold.ts";
import type { TrialFoldJob } from "./train-trial-fold.ts";

const N_ROWS = 300;

function jobOf(): TrialFoldJob {
  const random = createGenerator(3);
  const data = Float64Array.from({ length: 2 * N_ROWS }, () => random.next());
  const values = Float64Array.from(
    { length: N_ROWS },
    (_, row) => 10 * (data[2 * row] ?? 0) + (data[2 * row + 1] ?? 0) ** 2 + random.next(),
  );
  const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
  return {
    matrix: { data, nRows: N_ROWS, nColumns: 2 },
    categorical: [],
    featureNames: ["a", "b"],
    target: { taskKind: "regression", values },
    rows: {
      train: rows(0, 200),
      earlyStop: rows(200, 250),
      validate: rows(250, N_ROWS),
      censored: { train: rows(0, 0), earlyStop: rows(0, 0), validate: rows(0, 0) },
    },
    candidate: {
      kind: "gbdt",
      params: { numIterations: 40, numLeaves: 8, baggingFraction: 0.7, baggingFreq: 2 },
      seeds: 1,
    },
    seed: 7,
    bounds: null,
    checkpointMs: 0,
  };
}

it("goes on from a checkpoint to the same predictions, bit by bit", () => {
  const job = jobOf();
  const checkpoints: GbdtCheckpoint[][] = [];
  const sendCheckpoint = (made: unknown) => void checkpoints.push([...(made as GbdtCheckpoint[])]);
  const whole = trainTrialFold(job, { sendCheckpoint });
  expect(checkpoints.length).toBeGreaterThan(3);
  const resumeFrom = checkpoints[2];
  if (resumeFrom === undefined) throw new Error("no checkpoint");
  let nRounds = 0;
  const resumed = trainTrialFold({ ...job, resumeFrom }, { onProgress: () => void (nRounds += 1) });
  expect(resumed).toEqual(whole);
  expect(nRounds).toBe(whole.history.length - (resumeFrom[0]?.iteration ?? 0));
});

it("sends no checkpoint before its time", () => {
  let nSent = 0;
  trainTrialFold({ ...jobOf(), checkpointMs: 60_000 }, { sendCheckpoint: () => void (nSent += 1) });
  expect(nSent).toBe(0);
});

it("goes on in the middle of a later seed, to the same mean of all seeds", () => {
  const base = jobOf();
  const job = { ...base, candidate: base.candidate === null ? null : { ...base.candidate, seeds: 3 } };
  const checkpoints: GbdtCheckpoint[][] = [];
  const sendCheckpoint = (made: unknown) => void checkpoints.push([...(made as GbdtCheckpoint[])]);
  const { binned: _, ...whole } = trainTrialFold(job, { sendCheckpoint });
  const inSecond = checkpoints.findLast((seeds) => seeds.length === 2) ?? [];
  let nRounds = 0;
  const resumed = trainTrialFold({ ...job, resumeFrom: inSecond }, { onProgress: () => void (nRounds += 1) });
  expect(resumed).toMatchObject(whole);
  expect(nRounds).toBeLessThan(60);
});

it("is the fold of cross-validation, with all seeds and with the rows that no early stopping needs", () => {
  const base = jobOf();
  for (const [seeds, earlyStoppingRounds] of [
    [1, 50],
    [3, 50],
    [2, 0],
  ] as const) {
    const params = { ...base.candidate?.params, earlyStoppingRounds };
    const job = { ...base, candidate: { kind: "gbdt" as const, params, seeds } };
    expect(trainTrialFold(job, {})).toMatchObject(trainOneFold(job, {}));
  }
});

it("grows the same trees on the bins of another trial", () => {
  const base = jobOf();
  const first = trainTrialFold(base, {});
  expect(first.binned).toBeDefined();
  for (const numLeaves of [4, 8]) {
    const params = { ...base.candidate?.params, numLeaves };
    const job = { ...base, candidate: { kind: "gbdt" as const, params, seeds: 2 } };
    const { binned: _, ...alone } = trainTrialFold(job, {});
    const given = first.binned === undefined ? {} : { binned: first.binned };
    const taken = trainTrialFold({ ...job, ...given }, {});
    expect(taken).toEqual(alone);
  }
});
