import type { BinnedRows } from "../../numerics/gbdt/binned-rows.ts";
import { GBDT_PARAMETERS } from "../../numerics/gbdt/parameters.ts";
import type { TreeCheckpoint } from "../../numerics/training-hooks.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import { fitCandidate } from "../training/fit-candidate.ts";
import type { Fit, FitRequest, TrainModel } from "../training/fit-candidate.ts";
import { fitFold } from "../training/train-one-fold.ts";
import type { FoldJob, FoldOutput } from "../training/train-one-fold.ts";

/**
 * How far the models of a fold are, which are trained one after another: seed by seed, and in each seed of a forecast
 * horizon by horizon and quantile by quantile.
 */
export interface FoldCheckpoint {
  /** Models that are trained, in order. */
  readonly ended: readonly Fit[];
  /** The model after those; absent where it has no checkpoint yet. */
  readonly begun?: TreeCheckpoint;
}

export interface TrialFoldJob extends FoldJob {
  readonly resumeFrom?: FoldCheckpoint;
  /** Milliseconds between two checkpoints, more where they cost much; 0 sends each. */
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
/** Trees of more are no checkpoint, about 150 MB: whoever stores it would do little else. */
const MOST_NODES = 1_500_000;

/**
 * One fold of a trial, with all seeds of the candidate: what cross-validation trains, with checkpoints on the way.
 * A checkpoint that is sent holds, of the models that ended, those since the one before it.
 */
export function trainTrialFold(job: TrialFoldJob, hooks: JobHooks): TrialFoldOutput {
  const sender = new CheckpointSender(job, hooks);
  let history: readonly number[] = [];
  let binned: BinnedRows | undefined;
  const output = fitFold(job, (request, place) => {
    const own = place === 0 || isBinnedAlike(request) ? (binned ?? job.binned) : undefined;
    const fit = fitCandidate(
      { ...request, ...(own === undefined ? {} : { binned: own }) },
      {
        ...hooks,
        aroundModel: (train) => sender.around(train),
        checkpointEvery: CHECKPOINT_ROUNDS,
        onCheckpoint: (begun) => sender.send(begun),
        ...(place === 0 ? { onBinned: (made: BinnedRows) => (binned = made) } : {}),
      },
    );
    if (place === 0) history = fit.history ?? [];
    return fit;
  });
  return { ...output, history, ...(binned === undefined ? {} : { binned }) };
}

/** Counts the models of a fold, leaves out those that an earlier attempt ended, and sends checkpoints in time. */
class CheckpointSender {
  readonly #resumeFrom: FoldCheckpoint;
  readonly #checkpointMs: number;
  readonly #sendCheckpoint: JobHooks["sendCheckpoint"];
  #nBegun = 0;
  /** Ended since the last checkpoint. */
  #ended: Fit[] = [];
  #lastMs = performance.now();
  #costMs = 0;

  constructor(
    { resumeFrom = { ended: [] }, checkpointMs }: Pick<TrialFoldJob, "resumeFrom" | "checkpointMs">,
    { sendCheckpoint }: JobHooks,
  ) {
    this.#resumeFrom = resumeFrom;
    this.#checkpointMs = checkpointMs;
    this.#sendCheckpoint = sendCheckpoint;
  }

  around(train: TrainModel): Fit {
    const place = this.#nBegun++;
    const { ended, begun } = this.#resumeFrom;
    const known = ended[place];
    if (known !== undefined) return known;
    // After the last model nothing is sent: the fold has ended then.
    if (this.#ended.length > 0) this.send();
    const { model, bestIteration, history } = train(place === ended.length ? begun : undefined);
    const fit = { model, bestIteration, ...(history === undefined ? {} : { history }) };
    this.#ended.push(fit);
    return fit;
  }

  send(begun?: TreeCheckpoint): void {
    if (this.#sendCheckpoint === undefined) return;
    const startMs = performance.now();
    const leastMs = this.#checkpointMs === 0 ? 0 : Math.max(this.#checkpointMs, MOST_SHARE * this.#costMs);
    if (startMs - this.#lastMs < leastMs) return;
    const isSent = begun !== undefined && countNodes(begun) <= MOST_NODES;
    if (!isSent && this.#ended.length === 0) return;
    this.#sendCheckpoint({ ended: this.#ended, ...(isSent ? { begun } : {}) });
    this.#ended = [];
    this.#lastMs = performance.now();
    this.#costMs = this.#lastMs - startMs;
  }
}

const countNodes = ({ trees }: TreeCheckpoint): number =>
  trees.reduce((sum, { feature }) => sum + feature.length, 0);

/** Whether every seed finds the same bins: they do where borders are found on all rows. */
function isBinnedAlike({ candidate, trainRows }: FitRequest): boolean {
  const sampled = Number(
    candidate?.params["binConstructSampleCnt"] ?? GBDT_PARAMETERS.binConstructSampleCnt.default,
  );
  return trainRows.length <= sampled;
}
