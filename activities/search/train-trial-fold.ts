import type { BinnedRows } from "../../numerics/gbdt/binned-rows.ts";
import { GBDT_PARAMETERS } from "../../numerics/gbdt/parameters.ts";
import type { GbdtCheckpoint } from "../../numerics/gbdt/trainer.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import { fitCandidate } from "../training/fit-candidate.ts";
import type { FitRequest } from "../training/fit-candidate.ts";
import { fitFold } from "../training/train-one-fold.ts";
import type { FoldJob, FoldOutput } from "../training/train-one-fold.ts";

export interface TrialFoldJob extends FoldJob {
  /** By seed: how far each boosting had come. */
  readonly resumeFrom?: readonly GbdtCheckpoint[];
  /** Milliseconds between two checkpoints. */
  readonly checkpointMs: number;
  /** Bins of another trial of this fold. */
  readonly binned?: BinnedRows;
}

export interface TrialFoldOutput extends FoldOutput {
  /** Learning curve of the first seed; empty where nothing is boosted. */
  readonly history: readonly number[];
  /** Bins that were made, for the next trial of this fold. */
  readonly binned?: BinnedRows;
}

/** Rounds between two looks at the clock. */
const CHECKPOINT_ROUNDS = 5;
/** Of so many parts of the time, checkpoints of many trees may take one. */
const MOST_SHARE = 20;

/**
 * One fold of a trial, with all seeds of the candidate: what cross-validation trains, with checkpoints on the way. A
 * checkpoint holds the newest state of every seed so far, so that a resume repeats the last rounds of each at most.
 */
export function trainTrialFold(job: TrialFoldJob, hooks: JobHooks): TrialFoldOutput {
  let lastMs = performance.now();
  let costMs = 0;
  const seeds: GbdtCheckpoint[] = [...(job.resumeFrom ?? [])];
  let history: readonly number[] = [];
  let binned: BinnedRows | undefined;
  const output = fitFold(job, (request, place) => {
    const resumeFrom = job.resumeFrom?.[place];
    const own = place === 0 || isBinnedAlike(request) ? (binned ?? job.binned) : undefined;
    const fit = fitCandidate(
      {
        ...request,
        ...(resumeFrom === undefined ? {} : { resumeFrom }),
        ...(own === undefined ? {} : { binned: own }),
      },
      {
        ...hooks,
        checkpointEvery: CHECKPOINT_ROUNDS,
        onCheckpoint(checkpoint) {
          seeds[place] = checkpoint;
          const startMs = performance.now();
          if (startMs - lastMs < Math.max(job.checkpointMs, MOST_SHARE * costMs)) return;
          hooks.sendCheckpoint?.(seeds);
          lastMs = performance.now();
          costMs = lastMs - startMs;
        },
        ...(place === 0 ? { onBinned: (made: BinnedRows) => (binned = made) } : {}),
      },
    );
    if (place === 0) history = fit.history ?? [];
    return fit;
  });
  return { ...output, history, ...(binned === undefined ? {} : { binned }) };
}

/** Whether every seed finds the same bins: they do where borders are found on all rows. */
function isBinnedAlike({ candidate, trainRows }: FitRequest): boolean {
  const sampled = Number(
    candidate?.params["binConstructSampleCnt"] ?? GBDT_PARAMETERS.binConstructSampleCnt.default,
  );
  return trainRows.length <= sampled;
}
