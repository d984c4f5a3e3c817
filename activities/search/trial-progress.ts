import { activityInfo } from "@temporalio/activity";
import { z } from "zod";
import type { GbdtCheckpoint } from "../../numerics/gbdt/trainer.ts";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { trialFoldSchema } from "../../schemas/trial.ts";
import type { TrialFold } from "../../schemas/trial.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import { putCheckpoint } from "./checkpoint.ts";
import type { CheckpointOwner } from "./checkpoint.ts";

/** What a heartbeat of a trial carries: enough to go on from, on any host. */
const progressSchema = z.strictObject({
  folds: z.array(trialFoldSchema),
  seconds: z.number(),
  /** Of the fold after those. */
  checkpoint: objectRefSchema.exactOptional(),
});
type Progress = z.infer<typeof progressSchema>;

/** The newest, and those that the last heartbeat to arrive may still name. */
const KEPT_CHECKPOINTS = 3;

/**
 * How far a trial is. Finished folds and the newest checkpoint of the present one go out with each heartbeat; an
 * attempt after a crash starts from the last one that arrived.
 */
export class TrialProgress {
  readonly #deps: Pick<ActivityDeps, "objects" | "log">;
  readonly #beat: Beat;
  readonly #startedMs = performance.now();
  readonly #before: Progress;
  readonly #folds: TrialFold[];
  /** Oldest first. */
  readonly #written: ObjectRef[] = [];
  #checkpoint: ObjectRef | undefined;
  #writing: Promise<void> | undefined;

  constructor(deps: Pick<ActivityDeps, "objects" | "log">, beat: Beat) {
    this.#deps = deps;
    this.#beat = beat;
    const parsed = progressSchema.safeParse(activityInfo().heartbeatDetails);
    this.#before = parsed.success ? parsed.data : { folds: [], seconds: 0 };
    this.#folds = [...this.#before.folds];
    this.#checkpoint = this.#before.checkpoint;
    if (this.#checkpoint !== undefined) this.#written.push(this.#checkpoint);
    this.#report();
  }

  get folds(): readonly TrialFold[] {
    return this.#folds;
  }

  /** Over all attempts, as far as their heartbeats arrived. */
  get seconds(): number {
    return this.#before.seconds + (performance.now() - this.#startedMs) / 1000;
  }

  /** Newest checkpoint of the present fold. */
  get checkpoint(): ObjectRef | undefined {
    return this.#checkpoint;
  }

  /** Stores a checkpoint beside the training; one that comes while another is written is left out. */
  keep(owner: CheckpointOwner, seeds: readonly GbdtCheckpoint[]): void {
    this.#writing ??= putCheckpoint(this.#deps.objects, owner, seeds)
      .then(async (ref) => {
        this.#written.push(ref);
        if (owner.place === this.#folds.length) {
          this.#checkpoint = ref;
          this.#report();
        }
        await this.#removeOld(KEPT_CHECKPOINTS);
      })
      // A full disk must not end a training that may yet succeed; what it stores itself says so if it cannot.
      .catch((err: unknown) =>
        this.#deps.log.warn(
          { err },
          "a checkpoint could not be stored: a crash now costs the rounds since the last",
        ),
      )
      .finally(() => (this.#writing = undefined));
  }

  endFold(fold: TrialFold): void {
    this.#folds.push(fold);
    this.#checkpoint = undefined;
    this.#report();
  }

  /** The trial has ended: should its result be lost, another attempt starts the last fold anew. */
  async removeCheckpoints(): Promise<void> {
    await this.#writing;
    await this.#removeOld(0);
  }

  async #removeOld(nKept: number): Promise<void> {
    const old = this.#written.splice(0, Math.max(0, this.#written.length - nKept));
    // One that stays is rubbish, and no reason to train again.
    for (const { key } of old) await this.#deps.objects.delete(key).catch(() => undefined);
  }

  #report(): void {
    const { seconds } = this;
    const checkpoint = this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint };
    this.#beat.report({ folds: [...this.#folds], seconds, ...checkpoint });
  }
}
