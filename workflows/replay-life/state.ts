import type {
  InService,
  ReplayPlan,
  ReplayWindowResult,
  ServiceState,
} from "../../activities/replay-life/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

type Rules = Pick<ReplayPlan, "retrains" | "coolDown" | "confirmations" | "end">;

/** Which model is in service, what was seen of it, and when the next retrain may be. */
export class ReplayState {
  readonly #rules: Rules;
  #champion: InService;
  #lastTrainedAt: number;
  /** Windows under the present champion, newest first, as many as a confirmation looks at. */
  #seen: readonly ObjectRef[];

  constructor(rules: Rules, { champion, lastTrainedAt, seen }: ServiceState) {
    this.#rules = rules;
    this.#champion = champion;
    this.#lastTrainedAt = lastTrainedAt;
    this.#seen = seen;
  }

  get champion(): InService {
    return this.#champion;
  }

  /** Windows that a confirmation of the next one looks at. */
  get earlier(): readonly ObjectRef[] {
    return this.#seen;
  }

  /** For the run that goes on from here. */
  get snapshot(): ServiceState {
    return { champion: this.#champion, lastTrainedAt: this.#lastTrainedAt, seen: this.#seen };
  }

  /**
   * Takes note of a window.
   *
   * @param at its end
   * @returns whether a retrain is due then. At the end of history none is: no window would be left to show what it is worth.
   */
  sees({ confirmed, document }: Pick<ReplayWindowResult, "confirmed" | "document">, at: number): boolean {
    const { retrains, coolDown, end, confirmations } = this.#rules;
    this.#seen = [document, ...this.#seen].slice(0, confirmations - 1);
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
