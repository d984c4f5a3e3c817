import { activityInfo } from "@temporalio/activity";
import { z } from "zod";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { CpuCallbacks } from "../cpu/cpu-pool.ts";
import type { Beat } from "../heartbeat.ts";
import type { ResumableJob, TrainingCheckpoint } from "./checkpoint-sender.ts";
import type { CheckpointOwner } from "./checkpoint.ts";
import { KeptCheckpoints } from "./kept-checkpoints.ts";
import type { CheckpointDeps } from "./kept-checkpoints.ts";

/** What a crash costs at most, beside the heartbeat that was on its way. */
export const CHECKPOINT_MS = 3_000;

const detailsSchema = z.looseObject({ checkpoint: objectRefSchema });

/** One attempt of an activity at one training: it goes on where the one before it was killed, and tells how far it is. */
export class TrainingAttempt {
  readonly #beat: Beat;
  readonly #owner: CheckpointOwner;
  readonly #kept: KeptCheckpoints;
  #checkpoint: ObjectRef | undefined;
  #progress: object = {};

  constructor(deps: CheckpointDeps, beat: Beat, owner: CheckpointOwner) {
    this.#beat = beat;
    this.#owner = owner;
    this.#kept = new KeptCheckpoints(deps, (ref) => {
      this.#checkpoint = ref;
      this.#report();
    });
  }

  /** What the job is given besides. */
  async resume(): Promise<ResumableJob> {
    const before = detailsSchema.safeParse(activityInfo().heartbeatDetails);
    const base = { checkpointMs: CHECKPOINT_MS };
    if (!before.success) return base;
    this.#checkpoint = before.data.checkpoint;
    const resumeFrom = await this.#kept.goOnFrom(this.#owner, before.data.checkpoint);
    return resumeFrom === undefined ? base : { ...base, resumeFrom };
  }

  /** For the run of the job. */
  get callbacks(): CpuCallbacks {
    return {
      signal: this.#beat.signal,
      onProgress: (progress) => {
        this.#progress = progress;
        this.#report();
      },
      onCheckpoint: (made) => this.#kept.keep(this.#owner, made as TrainingCheckpoint),
    };
  }

  /** The result is stored: nobody goes on from here. */
  end(): Promise<void> {
    return this.#kept.removeAll();
  }

  #report(): void {
    const checkpoint = this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint };
    this.#beat.report({ ...this.#progress, ...checkpoint });
  }
}
