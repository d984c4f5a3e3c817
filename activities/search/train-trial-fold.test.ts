import { expect, it } from "vitest";
import type { GbdtCheckpoint } from "../../numerics/gbdt/trainer.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
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
  const checkpoints: GbdtCheckpoint[] = [];
  const sendCheckpoint = (made: unknown) => void checkpoints.push(made as GbdtCheckpoint);
  const whole = trainTrialFold(job, { sendCheckpoint });
  expect(checkpoints.length).toBeGreaterThan(3);
  const resumeFrom = checkpoints[2];
  if (resumeFrom === undefined) throw new Error("no checkpoint");
  let nRounds = 0;
  const resumed = trainTrialFold({ ...job, resumeFrom }, { onProgress: () => void (nRounds += 1) });
  expect(resumed).toEqual(whole);
  expect(nRounds).toBe(whole.history.length - resumeFrom.iteration);
});

it("sends no checkpoint before its time", () => {
  let nSent = 0;
  trainTrialFold({ ...jobOf(), checkpointMs: 60_000 }, { sendCheckpoint: () => void (nSent += 1) });
  expect(nSent).toBe(0);
});
