import { expect, it } from "vitest";
import { NO_CALIBRATION } from "../../numerics/calibration/calibrator.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import type { ResumableJob, TrainingCheckpoint } from "./checkpoint-sender.ts";
import { trainFinalModels } from "./train-final.ts";
import { trainOneFold } from "./train-one-fold.ts";

/** Trainings of cross-validation and of the final model, killed after each of their checkpoints. */

const N_ROWS = 240;
const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

function createBase() {
  const random = createGenerator(4);
  const data = Float64Array.from({ length: 2 * N_ROWS }, () => random.next());
  const values = Float64Array.from(
    { length: N_ROWS },
    (_, row) => 5 * (data[2 * row] ?? 0) ** 2 + random.normal(),
  );
  return {
    matrix: { data, nRows: N_ROWS, nColumns: 2 },
    categorical: [],
    featureNames: ["a", "b"],
    target: { taskKind: "regression", values },
    seed: 3,
    bounds: null,
  } as const;
}

const part = (kind: Candidate["kind"], params: Candidate["params"], seeds = 1) => ({
  candidate: { kind, params, seeds },
  iterations: null,
  weight: 0.25,
});

function trainBlend(resumable: ResumableJob, hooks: JobHooks): unknown {
  const parts = [
    part("gbdt", { numIterations: 11, baggingFraction: 0.6, baggingFreq: 1 }, 2),
    { ...part("gbdt", {}), weight: 0 },
    part("forest", { numTrees: 7 }),
    part("linear", {}),
    part("forest", { numTrees: 6, splitter: "random" }),
  ];
  const train = { trainRows: rows(0, N_ROWS), censoredRows: rows(0, 0), parts };
  const after = { calibrator: NO_CALIBRATION, offsets: null };
  return trainFinalModels({ ...createBase(), ...train, ...after, ...resumable }, hooks);
}

function trainFold(resumable: ResumableJob, hooks: JobHooks): unknown {
  const none = rows(0, 0);
  const own = {
    train: rows(0, 150),
    earlyStop: rows(150, 190),
    validate: rows(190, N_ROWS),
    censored: { train: none, earlyStop: none, validate: none },
  };
  const { candidate } = part("gbdt", { numIterations: 14, featureFraction: 0.5 }, 3);
  return trainOneFold({ ...createBase(), rows: own, candidate, ...resumable }, hooks);
}

it.each([
  ["a blend of several kinds, and its seeds", trainBlend, 6],
  ["a fold of three seeds", trainFold, 6],
] as const)("%s: the same bytes wherever it was killed", (_name, train, least) => {
  const sent: TrainingCheckpoint[] = [];
  const sendCheckpoint = (made: unknown) => void sent.push(made as TrainingCheckpoint);
  const whole = JSON.stringify(train({ checkpointMs: 0 }, { sendCheckpoint }));
  expect(sent.length).toBeGreaterThanOrEqual(least);
  const ended: unknown[] = [];
  let nBefore = Number.POSITIVE_INFINITY;
  for (const one of sent) {
    ended.push(...one.ended);
    const { begun } = one;
    // As the store gives it back.
    const left = JSON.stringify({ ended, ...(begun === undefined ? {} : { begun }) });
    let nIterations = 0;
    const onProgress = () => void (nIterations += 1);
    const resumed = train({ resumeFrom: JSON.parse(left) as TrainingCheckpoint }, { onProgress });
    expect(JSON.stringify(resumed)).toBe(whole);
    expect(nIterations).toBeLessThanOrEqual(nBefore);
    nBefore = nIterations;
  }
});

it.each([
  ["where none is asked for", {}],
  ["before its time", { checkpointMs: 60_000 }],
])("sends no checkpoint %s", (_name, resumable) => {
  let nSent = 0;
  trainBlend(resumable, { sendCheckpoint: () => void (nSent += 1) });
  expect(nSent).toBe(0);
});
