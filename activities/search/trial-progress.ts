import { activityInfo } from "@temporalio/activity";
import { z } from "zod";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { trialFoldSchema } from "../../schemas/trial.ts";
import type { TrialFold } from "../../schemas/trial.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import type { Fit } from "../training/fit-candidate.ts";
import { getCheckpoint, putCheckpoint, putPart } from "./checkpoint.ts";
import type { CheckpointOwner } from "./checkpoint.ts";
import type { FoldCheckpoint } from "./train-trial-fold.ts";

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
  /** Checkpoints in the store, oldest first. */
  readonly #written: { readonly place: number; readonly ref: ObjectRef }[] = [];
  /** By fold: the models that its checkpoints name. They go with the last of those. */
  readonly #parts = new Map<number, ObjectRef[]>();
  /** Models that ended and are not in the store yet. */
  #unstored: { readonly place: number; readonly ended: Fit[] } = { place: 0, ended: [] };
  #checkpoint: ObjectRef | undefined;
  #writing: Promise<void> | undefined;

  constructor(deps: Pick<ActivityDeps, "objects" | "log">, beat: Beat) {
    this.#deps = deps;
    this.#beat = beat;
    const parsed = progressSchema.safeParse(activityInfo().heartbeatDetails);
    this.#before = parsed.success ? parsed.data : { folds: [], seconds: 0 };
    this.#folds = [...this.#before.folds];
    this.#checkpoint = this.#before.checkpoint;
    if (this.#checkpoint !== undefined)
      this.#written.push({ place: this.#folds.length, ref: this.#checkpoint });
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
  async goOnFrom(owner: CheckpointOwner): Promise<FoldCheckpoint | undefined> {
    const { folds, checkpoint } = this.#before;
    if (checkpoint === undefined || owner.place !== folds.length) return undefined;
    const onRefused = (why: string) =>
      this.#deps.log.warn({ why }, "a checkpoint is not used: the fold starts anew");
    const found = await getCheckpoint(this.#deps.objects, checkpoint, { owner, onRefused });
    if (found === undefined) return undefined;
    const { parts, ...of } = found;
    this.#parts.set(owner.place, [...parts]);
    return of;
  }

  /**
   * Stores a checkpoint beside the training. One that comes while another is written is left out, but for the models that
   * it says have ended: those go with the next.
   */
  keep(owner: CheckpointOwner, { ended, begun }: FoldCheckpoint): void {
    if (this.#unstored.place !== owner.place) this.#unstored = { place: owner.place, ended: [] };
    const unstored = this.#unstored.ended;
    unstored.push(...ended);
    this.#writing ??= this.#store(owner, unstored, begun)
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

  async #store(owner: CheckpointOwner, unstored: Fit[], begun: FoldCheckpoint["begun"]): Promise<void> {
    const { objects } = this.#deps;
    const { place } = owner;
    const parts = this.#parts.get(place) ?? [];
    this.#parts.set(place, parts);
    if (unstored.length > 0) {
      const ended = [...unstored];
      parts.push(await putPart(objects, owner, ended));
      unstored.splice(0, ended.length);
    }
    const stored = { parts: [...parts], ...(begun === undefined ? {} : { begun }) };
    const ref = await putCheckpoint(objects, owner, stored);
    this.#written.push({ place, ref });
    if (place === this.#folds.length) {
      this.#checkpoint = ref;
      this.#report();
    }
    await this.#removeOld(KEPT_CHECKPOINTS);
  }

  async #removeOld(nKept: number): Promise<void> {
    const old = this.#written.splice(0, Math.max(0, this.#written.length - nKept)).map(({ ref }) => ref);
    const named = new Set(this.#written.map(({ place }) => place));
    for (const [place, parts] of this.#parts) {
      if (named.has(place)) continue;
      old.push(...parts);
      this.#parts.delete(place);
    }
    // One that stays is rubbish, and no reason to train again.
    for (const { key } of old) await this.#deps.objects.delete(key).catch(() => undefined);
  }

  #report(): void {
    const { seconds } = this;
    const checkpoint = this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint };
    this.#beat.report({ folds: [...this.#folds], seconds, ...checkpoint });
  }
}
