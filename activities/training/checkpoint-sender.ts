import type { TreeCheckpoint } from "../../numerics/training-hooks.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import type { Fit, FitHooks, TrainModel } from "./fit-candidate.ts";

/**
 * How far the models of one training are, which are trained one after another: candidate by candidate of a blend, seed by
 * seed, and in each seed of a forecast horizon by horizon and quantile by quantile.
 */
export interface TrainingCheckpoint {
  /** Models that are trained, in order. */
  readonly ended: readonly Fit[];
  /** The model after those; absent where it has no checkpoint yet. */
  readonly begun?: TreeCheckpoint;
}

/** What a training that an interruption shall not undo is given besides. */
export interface ResumableJob {
  readonly resumeFrom?: TrainingCheckpoint;
  /** Milliseconds between two checkpoints, more where they cost much; 0 sends each. None are sent when absent. */
  readonly checkpointMs?: number;
}

/** Rounds between two looks at the clock. */
const CHECKPOINT_ROUNDS = 5;
/** Of so many parts of the time, checkpoints of many trees may take one. */
const MOST_SHARE = 20;
/** Trees of more are no checkpoint, about 150 MB: whoever stores it would do little else. */
const MOST_NODES = 1_500_000;

/**
 * Counts the models of a training, leaves out those that an earlier attempt ended, and sends checkpoints in time.
 * A checkpoint that is sent holds, of the models that ended, those since the one before it.
 */
export class CheckpointSender {
  readonly #resumeFrom: TrainingCheckpoint;
  readonly #checkpointMs: number;
  readonly #hooks: JobHooks;
  #nBegun = 0;
  /** Ended since the last checkpoint. */
  #ended: Fit[] = [];
  #lastMs = performance.now();
  #costMs = 0;

  constructor({ resumeFrom = { ended: [] }, checkpointMs = Infinity }: ResumableJob, hooks: JobHooks) {
    this.#resumeFrom = resumeFrom;
    this.#checkpointMs = checkpointMs;
    this.#hooks = hooks;
  }

  /** For every fit of the training, in its order. */
  get hooks(): FitHooks {
    return {
      ...this.#hooks,
      aroundModel: (train) => this.#around(train),
      checkpointEvery: CHECKPOINT_ROUNDS,
      onCheckpoint: (begun) => this.#send(begun),
    };
  }

  #around(train: TrainModel): Fit {
    const place = this.#nBegun++;
    const { ended, begun } = this.#resumeFrom;
    const known = ended[place];
    if (known !== undefined) return known;
    // After the last model nothing is sent: the training has ended then.
    if (this.#ended.length > 0) this.#send();
    const { model, bestIteration, history } = train(place === ended.length ? begun : undefined);
    const fit = { model, bestIteration, ...(history === undefined ? {} : { history }) };
    this.#ended.push(fit);
    return fit;
  }

  #send(begun?: TreeCheckpoint): void {
    const { sendCheckpoint } = this.#hooks;
    if (sendCheckpoint === undefined) return;
    const startMs = performance.now();
    const leastMs = this.#checkpointMs === 0 ? 0 : Math.max(this.#checkpointMs, MOST_SHARE * this.#costMs);
    if (startMs - this.#lastMs < leastMs) return;
    const isSent = begun !== undefined && countNodes(begun) <= MOST_NODES;
    if (!isSent && this.#ended.length === 0) return;
    sendCheckpoint({ ended: this.#ended, ...(isSent ? { begun } : {}) });
    this.#ended = [];
    this.#lastMs = performance.now();
    this.#costMs = this.#lastMs - startMs;
  }
}

const countNodes = ({ trees }: TreeCheckpoint): number =>
  trees.reduce((sum, { feature }) => sum + feature.length, 0);
