import type {
  AlarmEvent,
  EvaluationStep,
  StoredAlarm,
  StreamPlace,
} from "../stores/postgres/port/alerting.ts";
import type { AlarmState, AlarmStep } from "./alarm-state.ts";
import { QUIET } from "./alarm-state.ts";
import type { CompiledRule } from "./compiled-rule.ts";

/** What is to be said of an alarm, should it have changed. */
export interface Occasion {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * States and places as they are after what was looked at, and what of it is not written yet. It begins as the database has
 * it; whenever writing fails it is thrown away, and what it looked at is looked at again.
 */
export class AlarmBook {
  readonly #states = new Map<string, Map<string, AlarmState>>();
  readonly #places = new Map<string, Map<string, StreamPlace>>();
  readonly #dirtyStates = new Map<string, StoredAlarm<AlarmState>>();
  readonly #dirtyPlaces = new Map<string, StreamPlace>();
  #events: AlarmEvent[] = [];
  readonly #scans = new Map<string, number>();

  constructor(loaded: { readonly states: readonly StoredAlarm[]; readonly places: readonly StreamPlace[] }) {
    for (const { rule, asset, state } of loaded.states) put(this.#states, rule, asset, state as AlarmState);
    for (const place of loaded.places) put(this.#places, place.stream, place.asset, place);
  }

  stateOf(rule: string, asset: string): AlarmState {
    return this.#states.get(rule)?.get(asset) ?? QUIET;
  }

  /** Assets of a rule that are not quiet. */
  statesOf(rule: string): readonly (readonly [string, AlarmState])[] {
    return [...(this.#states.get(rule) ?? [])].filter(([, { phase }]) => phase !== "quiet");
  }

  placeOf(stream: string, asset: string): StreamPlace | undefined {
    return this.#places.get(stream)?.get(asset);
  }

  /**
   * Moves the place of an asset; one that is not newer only says that it was heard of.
   *
   * @returns whether it is newer
   */
  move(place: StreamPlace): boolean {
    const known = this.placeOf(place.stream, place.asset);
    const isNewer = known === undefined || isAfter(place, known);
    const next = isNewer ? place : { ...known, heardAt: Math.max(known.heardAt, place.heardAt) };
    put(this.#places, place.stream, place.asset, next);
    this.#dirtyPlaces.set(`${place.stream}\n${place.asset}`, next);
    return isNewer;
  }

  /** @param occasion asked for only where there is something to say */
  apply(
    { rule }: CompiledRule,
    asset: string,
    { step, occasion }: { step: AlarmStep; occasion: () => Occasion },
  ): void {
    const before = this.stateOf(rule.name, asset);
    const { state, change } = step;
    if (state === before) return;
    put(this.#states, rule.name, asset, state);
    // Quiet ones differ by the time of their last reading alone, and are not stored.
    if (state.phase !== "quiet" || before.phase !== "quiet")
      this.#dirtyStates.set(`${rule.name}\n${asset}`, {
        rule: rule.name,
        asset,
        state: state.phase === "quiet" ? null : state,
      });
    if (change === undefined) return;
    const { severity, labels } = rule;
    this.#events.push({ change, rule: rule.name, asset, severity, labels, ...occasion() });
  }

  scanned(rule: string, at: number): void {
    this.#scans.set(rule, at);
  }

  get hasEvents(): boolean {
    return this.#events.length > 0 || this.#scans.size > 0;
  }

  /** What is to be written; from then on it counts as written. */
  take(): Pick<EvaluationStep, "places" | "states" | "events" | "scans"> {
    const taken = {
      places: [...this.#dirtyPlaces.values()],
      states: [...this.#dirtyStates.values()],
      events: this.#events,
      scans: [...this.#scans].map(([rule, at]) => ({ rule, at })),
    };
    this.#dirtyPlaces.clear();
    this.#dirtyStates.clear();
    this.#events = [];
    this.#scans.clear();
    return taken;
  }
}

function put<T>(map: Map<string, Map<string, T>>, outer: string, inner: string, value: T): void {
  const known = map.get(outer);
  if (known === undefined) map.set(outer, new Map([[inner, value]]));
  else known.set(inner, value);
}

function isAfter(a: StreamPlace, b: StreamPlace): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  if (a.ts !== b.ts) return a.ts > b.ts;
  // Only the newest score of an asset is there: one of another version is of what serves now, newer or gone back to.
  return a.seq !== b.seq ? a.seq > b.seq : a.version !== b.version;
}
