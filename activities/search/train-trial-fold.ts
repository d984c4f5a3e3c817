import type { BinnedRows } from "../../numerics/gbdt/binned-rows.ts";
import { GBDT_PARAMETERS } from "../../numerics/gbdt/parameters.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import { CheckpointSender } from "../training/checkpoint-sender.ts";
import { fitCandidate } from "../training/fit-candidate.ts";
import type { FitRequest } from "../training/fit-candidate.ts";
import { fitFold } from "../training/train-one-fold.ts";
import type { FoldJob, FoldOutput } from "../training/train-one-fold.ts";

export interface TrialFoldJob extends FoldJob {
  /** Bins of another trial of this fold. */
  readonly binned?: BinnedRows;
}

export interface TrialFoldOutput extends FoldOutput {
  /** Learning curve of the first seed; empty where nothing is boosted. */
  readonly history: readonly number[];
  /** Bins that were made, for the next trial of this fold. */
  readonly binned?: BinnedRows;
}

/** One fold of a trial, with all seeds of the candidate: what cross-validation trains. */
export function trainTrialFold(job: TrialFoldJob, hooks: JobHooks): TrialFoldOutput {
  const sender = new CheckpointSender(job, hooks);
  let history: readonly number[] = [];
  let binned: BinnedRows | undefined;
  const output = fitFold(job, (request, place) => {
    const own = place === 0 || isBinnedAlike(request) ? (binned ?? job.binned) : undefined;
    const fit = fitCandidate(
      { ...request, ...(own === undefined ? {} : { binned: own }) },
      {
        ...sender.hooks,
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
