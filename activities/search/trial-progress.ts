import { activityInfo } from "@temporalio/activity";
import { z } from "zod";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { trialFoldSchema } from "../../schemas/runs/trial.ts";
import type { TrialFold } from "../../schemas/runs/trial.ts";
import type { Beat } from "../heartbeat.ts";
import type { TrainingCheckpoint } from "../training/checkpoint-sender.ts";
import type { CheckpointOwner } from "../training/checkpoint.ts";
import { KeptCheckpoints } from "../training/kept-checkpoints.ts";
import type { CheckpointDeps } from "../training/kept-checkpoints.ts";

/** What a heartbeat of a trial carries: enough to go on from, on any host. */
const progressSchema = z.strictObject({
  folds: z.array(trialFoldSchema),
  seconds: z.number(),
  /** Of the fold after those. */
  checkpoint: objectRefSchema.exactOptional(),
});
type Progress = z.infer<typeof progressSchema>;

/**
 * How far a trial is. Finished folds and the newest checkpoint of the present one go out with each heartbeat; an
 * attempt after a crash starts from the last one that arrived.
 */
export class TrialProgress {
  readonly #beat: Beat;
  readonly #startedMs = performance.now();
  readonly #before: Progress;
  readonly #folds: TrialFold[];
  #checkpoint: ObjectRef | undefined;
  readonly #kept: KeptCheckpoints;

  constructor(deps: CheckpointDeps, beat: Beat) {
    this.#beat = beat;
    const parsed = progressSchema.safeParse(activityInfo().heartbeatDetails);
    this.#before = parsed.success ? parsed.data : { folds: [], seconds: 0 };
    this.#folds = [...this.#before.folds];
    this.#checkpoint = this.#before.checkpoint;
    this.#kept = new KeptCheckpoints(deps, (ref, place) => {
      if (place !== this.#folds.length) return;
      this.#checkpoint = ref;
      this.#report();
    });
    this.#report();
  }

  get folds(): readonly TrialFold[] {
    return this.#folds;
  }

  /** Over all attempts, as far as their heartbeats arrived. */
  get seconds(): number {
    return this.#before.seconds + (performance.now() - this.#startedMs) / 1000;
  }

  /** What an earlier attempt left of a fold that it did not end; undefined where there is nothing to go on from. */
  async goOnFrom(owner: CheckpointOwner): Promise<TrainingCheckpoint | undefined> {
    const { folds, checkpoint } = this.#before;
    if (checkpoint === undefined || owner.place !== folds.length) return undefined;
    return this.#kept.goOnFrom(owner, checkpoint);
  }

  /** Stores a checkpoint of the present fold beside the training. */
  keep(owner: CheckpointOwner, checkpoint: TrainingCheckpoint): void {
    this.#kept.keep(owner, checkpoint);
  }

  endFold(fold: TrialFold): void {
    this.#folds.push(fold);
    this.#checkpoint = undefined;
    this.#report();
  }

  /** The trial has ended: should its result be lost, another attempt starts the last fold anew. */
  removeCheckpoints(): Promise<void> {
    return this.#kept.removeAll();
  }

  #report(): void {
    const { seconds } = this;
    const checkpoint = this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint };
    this.#beat.report({ folds: [...this.#folds], seconds, ...checkpoint });
  }
}
