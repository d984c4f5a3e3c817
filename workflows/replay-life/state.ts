import type {
  InService,
  ReplayPlan,
  ReplaySpan,
  ReplayWindowResult,
  ServiceState,
  WindowWatch,
} from "../../activities/replay-life/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

type Rules = Pick<
  ReplayPlan,
  "retrains" | "onDegradation" | "newLabels" | "coolDown" | "confirmations" | "end" | "labelDelay"
>;

/** What a window was found to ask for a retrain by. */
export type RetrainCause = "drift" | "degradation" | "labels" | "schedule";

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

  /** What labels are asked about a window; undefined: no retrain depends on it. */
  get watch(): WindowWatch | undefined {
    const { onDegradation = false, newLabels, labelDelay } = this.#rules;
    if (!onDegradation && newLabels === undefined) return undefined;
    const { knownUntil, evaluation } = this.#champion;
    return {
      servedSince: knownUntil + labelDelay,
      trainedAt: this.#lastTrainedAt,
      labelDelay,
      evaluation: (onDegradation ? evaluation : undefined) ?? null,
      countsLabels: newLabels !== undefined,
    };
  }

  /** For the run that goes on from here. */
  get snapshot(): ServiceState {
    return { champion: this.#champion, lastTrainedAt: this.#lastTrainedAt, seen: this.#seen };
  }

  /**
   * Takes note of a window.
   *
   * @returns why a retrain is due at its end; undefined: none is. At the end of history none is in any case: no window would be
   *   left to show what it is worth
   */
  sees(
    window: Omit<ReplayWindowResult, "state" | "detail">,
    { to, isScheduled = false }: Omit<ReplaySpan, "from">,
  ): RetrainCause | undefined {
    const { retrains, coolDown, end, confirmations, newLabels = Infinity } = this.#rules;
    this.#seen = [window.document, ...this.#seen].slice(0, confirmations - 1);
    if (to >= end || to - this.#lastTrainedAt < coolDown) return undefined;
    if (window.confirmed && retrains) return "drift";
    if (window.degraded !== undefined) return "degradation";
    if ((window.newLabels ?? 0) >= newLabels) return "labels";
    return isScheduled ? "schedule" : undefined;
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
