import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { TrainingCheckpoint } from "./checkpoint-sender.ts";
import { getCheckpoint, putCheckpoint, putPart } from "./checkpoint.ts";
import type { CheckpointOwner } from "./checkpoint.ts";
import type { Fit } from "./fit-candidate.ts";

export type CheckpointDeps = Pick<ActivityDeps, "objects" | "log">;

/** The newest, and those that the last heartbeat to arrive may still name. */
const KEPT_CHECKPOINTS = 3;

/** The checkpoints that one attempt of an activity has in the store: written beside the training, the newest kept. */
export class KeptCheckpoints {
  readonly #deps: CheckpointDeps;
  readonly #onStored: (ref: ObjectRef, place: number) => void;
  /** Oldest first. */
  readonly #written: { readonly place: number; readonly ref: ObjectRef }[] = [];
  /** By place: the models that its checkpoints name. They go with the last of those. */
  readonly #parts = new Map<number, ObjectRef[]>();
  /** Models that ended and are not in the store yet. */
  #unstored: { readonly place: number; readonly ended: Fit[] } = { place: 0, ended: [] };
  #writing: Promise<void> | undefined;

  /** @param onStored  told of each checkpoint that an attempt after this one may go on from */
  constructor(deps: CheckpointDeps, onStored: (ref: ObjectRef, place: number) => void) {
    this.#deps = deps;
    this.#onStored = onStored;
  }

  /** What an attempt before this one left; undefined where it is of no use. It is removed with the others. */
  async goOnFrom(owner: CheckpointOwner, ref: ObjectRef): Promise<TrainingCheckpoint | undefined> {
    this.#written.push({ place: owner.place, ref });
    const onRefused = (why: string) =>
      this.#deps.log.warn({ why }, "a checkpoint is not used: the training starts anew");
    const found = await getCheckpoint(this.#deps.objects, ref, { owner, onRefused });
    if (found === undefined) return undefined;
    const { parts, ...of } = found;
    this.#parts.set(owner.place, [...parts]);
    return of;
  }

  /**
   * Stores a checkpoint beside the training. One that comes while another is written is left out, but for the models that
   * it says have ended: those go with the next.
   */
  keep(owner: CheckpointOwner, { ended, begun }: TrainingCheckpoint): void {
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

  /** The work is done. */
  async removeAll(): Promise<void> {
    await this.#writing;
    await this.#removeOld(0);
  }

  async #store(owner: CheckpointOwner, unstored: Fit[], begun: TrainingCheckpoint["begun"]): Promise<void> {
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
    this.#onStored(ref, place);
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
}
