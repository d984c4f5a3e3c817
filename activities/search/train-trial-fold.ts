import type { GbdtCheckpoint } from "../../numerics/gbdt/trainer.ts";
import { selectRows } from "../../numerics/matrix.ts";
import { predict } from "../../numerics/model.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import { fitCandidate } from "../training/fit-candidate.ts";
import { withCensored } from "../training/train-one-fold.ts";
import type { FoldJob, FoldOutput } from "../training/train-one-fold.ts";

export interface TrialFoldJob extends FoldJob {
  readonly resumeFrom?: GbdtCheckpoint;
  /** Milliseconds between two checkpoints. */
  readonly checkpointMs: number;
}

export interface TrialFoldOutput extends FoldOutput {
  /** Learning curve; empty where nothing is boosted. */
  readonly history: readonly number[];
}

/** Rounds between two looks at the clock. */
const CHECKPOINT_ROUNDS = 5;

/** One fold of a trial: a single seed, whatever the candidate averages, and checkpoints on the way. */
export function trainTrialFold(job: TrialFoldJob, hooks: JobHooks): TrialFoldOutput {
  const { matrix, categorical, featureNames, target, rows, candidate, bounds, seed, resumeFrom } = job;
  const sides = withCensored(rows, candidate);
  let lastMs = performance.now();
  const onCheckpoint = (checkpoint: GbdtCheckpoint): void => {
    const nowMs = performance.now();
    if (nowMs - lastMs < job.checkpointMs) return;
    lastMs = nowMs;
    hooks.sendCheckpoint?.(checkpoint);
  };
  const { model, bestIteration, history } = fitCandidate(
    {
      matrix,
      categorical,
      featureNames,
      target,
      candidate,
      trainRows: sides.train,
      earlyStopRows: sides.earlyStop,
      seed,
      ...(job.censored === undefined ? {} : { censored: job.censored }),
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    },
    { ...hooks, checkpointEvery: CHECKPOINT_ROUNDS, onCheckpoint },
  );
  const answer = (chosen: Int32Array) =>
    predict(model, selectRows(matrix, chosen), bounds ?? undefined).values;
  return {
    predictions: answer(rows.validate),
    censoredPredictions: answer(rows.censored.validate),
    bestIteration,
    history: history ?? [],
  };
}
