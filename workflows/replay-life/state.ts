import type { ReplayModel, ReplayPlan, ReplayWindowResult } from "../../activities/replay-life/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

/** A model that was promoted in the replay. */
export interface InService extends ReplayModel {
  /** Nothing later than this was known when it was trained. */
  readonly knownUntil: number;
  readonly split: ObjectRef;
}

/** Which model is in service, what was seen of it, and when the next retrain may be. */
export class ReplayState {
  readonly #plan: Pick<ReplayPlan, "retrains" | "coolDown" | "confirmations" | "end">;
  #champion: InService;
  #lastTrainedAt: number;
  /** Windows under the present champion, newest first. */
  #seen: ObjectRef[] = [];

  constructor(
    plan: Pick<ReplayPlan, "retrains" | "coolDown" | "confirmations" | "end" | "start">,
    first: InService,
  ) {
    this.#plan = plan;
    this.#champion = first;
    this.#lastTrainedAt = plan.start;
  }

  get champion(): InService {
    return this.#champion;
  }

  /** Windows that a confirmation of the next one looks at. */
  get earlier(): readonly ObjectRef[] {
    return this.#seen.slice(0, this.#plan.confirmations - 1);
  }

  /**
   * Takes note of a window.
   *
   * @param at its end
   * @returns whether a retrain is due then. At the end of history none is: no window would be left to show what it is worth.
   */
  sees({ confirmed, document }: Pick<ReplayWindowResult, "confirmed" | "document">, at: number): boolean {
    this.#seen.unshift(document);
    const { retrains, coolDown, end } = this.#plan;
    return confirmed && retrains && at < end && at - this.#lastTrainedAt >= coolDown;
  }

  /** A retrain was made, whatever came of it. */
  trained(at: number): void {
    this.#lastTrainedAt = at;
  }

  /** Another model is in service from now on: what was seen of the one before confirms nothing of it. */
  promoted(next: InService): void {
    this.#champion = next;
    this.#seen = [];
  }
}
