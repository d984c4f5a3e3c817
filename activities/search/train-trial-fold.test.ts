import { expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import type { TrainingCheckpoint } from "../training/checkpoint-sender.ts";
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

/** What is sent, as JSON that was stored says it. */
function trainedWith(job: TrialFoldJob) {
  const sent: TrainingCheckpoint[] = [];
  const sendCheckpoint = (made: unknown) =>
    void sent.push(JSON.parse(JSON.stringify(made)) as TrainingCheckpoint);
  const { binned: _, ...whole } = trainTrialFold(job, { sendCheckpoint });
  return { whole, sent };
}

/** Where a crash after so many checkpoints leaves a training. */
function left(sent: readonly TrainingCheckpoint[], nSent: number): TrainingCheckpoint {
  const { begun } = sent[nSent - 1] ?? {};
  const ended = sent.slice(0, nSent).flatMap((one) => one.ended);
  return { ended, ...(begun === undefined ? {} : { begun }) };
}

/** Three horizons; the last rows do not know the far ones. */
function forecastJob(candidate: Candidate): TrialFoldJob {
  const base = jobOf();
  const now = (row: number) => base.matrix.data[2 * row] ?? 0;
  const values = Float64Array.from({ length: 3 * N_ROWS }, (_, at) => {
    const later = Math.floor(at / 3) + 5 * (at % 3) + 1;
    return later < N_ROWS ? now(later) : Number.NaN;
  });
  return {
    ...base,
    target: { taskKind: "forecast", values, quantiles: [0.1, 0.5, 0.9], anchor: 0 },
    candidate,
  };
}

const SAMPLED = { numIterations: 12, numLeaves: 6, baggingFraction: 0.7, baggingFreq: 1 };

const JOBS: readonly [string, () => TrialFoldJob][] = [
  ["boosting", jobOf],
  ["boosting of three seeds", () => ({ ...jobOf(), candidate: { kind: "gbdt", params: SAMPLED, seeds: 3 } })],
  [
    "a forest of two seeds",
    () => ({ ...jobOf(), candidate: { kind: "forest", params: { numTrees: 12 }, seeds: 2 } }),
  ],
  ["a forecast of two seeds", () => forecastJob({ kind: "gbdt", params: SAMPLED, seeds: 2 })],
  [
    "a forecast that does not see all features",
    () => forecastJob({ kind: "gbdt", params: SAMPLED, seeds: 1, features: "b" }),
  ],
  ["a forecast by forests", () => forecastJob({ kind: "forest", params: { numTrees: 7 }, seeds: 1 })],
  ["a forecast by linear models", () => forecastJob({ kind: "linear", params: {}, seeds: 1 })],
];

it.each(JOBS)("goes on from every checkpoint to the same predictions, bit by bit: %s", (_name, make) => {
  const job = make();
  const { whole, sent } = trainedWith(job);
  expect(sent.length).toBeGreaterThanOrEqual(2);
  for (let nSent = 1; nSent <= sent.length; nSent++) {
    const { binned: _, ...resumed } = trainTrialFold({ ...job, resumeFrom: left(sent, nSent) }, {});
    expect(resumed).toEqual(whole);
  }
});

it("trains no model twice, and of one that was begun at most five rounds", () => {
  const job = forecastJob({ kind: "gbdt", params: { ...SAMPLED, earlyStoppingRounds: 0 }, seeds: 2 });
  const { sent } = trainedWith(job);
  // 3 horizons, 3 quantiles and 2 seeds; each model ends once.
  expect(sent.flatMap(({ ended }) => ended)).toHaveLength(17);
  for (const nSent of [1, 2, 5, 20, sent.length]) {
    const resumeFrom = left(sent, nSent);
    let nRounds = 0;
    trainTrialFold({ ...job, resumeFrom }, { onProgress: () => void (nRounds += 1) });
    expect(nRounds).toBe((18 - resumeFrom.ended.length) * 12 - (resumeFrom.begun?.iteration ?? 0));
  }
});

it("sends no checkpoint before its time", () => {
  let nSent = 0;
  trainTrialFold({ ...jobOf(), checkpointMs: 60_000 }, { sendCheckpoint: () => void (nSent += 1) });
  expect(nSent).toBe(0);
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
