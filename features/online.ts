/**
 * The online executor: features of one asset from live readings, by the incremental states of the same operators
 * that run offline. What offline reads from a whole series, online sees reading by reading; with the whole series
 * the results are equal, with only recent readings the windows are those of a series that starts there.
 */
import type { FittedState } from "../schemas/data/feature-set.ts";
import { categoryColumns } from "./base-layer.ts";
import { cleanNumber } from "./clean-number.ts";
import { passesFilter } from "./event-filter.ts";
import type { EventFilter, LiveEvent } from "./event-filter.ts";
import { evaluateFormula } from "./expression/evaluate.ts";
import { parseFormula } from "./expression/parser.ts";
import type { FeatureView } from "./feature-view.ts";
import type { SavedNumbers, StateRow } from "./operators/operator.ts";
import { OPERATORS } from "./operators/table.ts";
import { normalizer } from "./regimes.ts";

export type LiveValue = number | string | boolean | null;

/** One live reading. */
export interface LiveReading {
  /** Microseconds since 1970 or cycle; must not fall. Without a time column: anything. */
  readonly t: number;
  /** By column name; an absent one is missing. */
  readonly values: Readonly<Record<string, LiveValue>>;
}

/** What is known of the asset beside its readings; all of it may change between readings. */
export interface AssetContext {
  /** Events by source; only those with a time ≤ t are seen by a reading at t. */
  readonly events?: Readonly<Record<string, readonly LiveEvent[]>>;
  /** Attributes by source and column. */
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, LiveValue>>>>;
}

export interface AssetState {
  /**
   * @returns one value per feature of the view, in its order; NaN = missing
   * @throws {RangeError} when the time goes back or is not finite
   */
  push(reading: LiveReading, context?: AssetContext): Float64Array;
  /** What features know of readings that no window reaches back to, in the order of the view; plain JSON. */
  save(): SavedState;
  /** To be called behind the readings that windows reach back to, up to the one it was saved at. */
  load(saved: SavedState): void;
}

export type SavedState = readonly SavedNumbers[];

/** A fresh state of one asset. */
export function createAssetState(view: FeatureView, fitted: FittedState): AssetState {
  const shared = new Map<string, unknown>();
  const states = view.features.map(({ operator, args, name }) =>
    OPERATORS[operator].state(args, name, shared),
  );
  const rows = new RowBuilder(view, fitted);
  return {
    push(reading, context = {}) {
      const out = new Float64Array(states.length).fill(Number.NaN);
      const row = rows.next(reading, context, out);
      states.forEach((state, i) => {
        out[i] = cleanNumber(state.push(row));
      });
      return out;
    },
    save: () => states.map((state) => (state.save?.() ?? []).map((one) => (Number.isNaN(one) ? null : one))),
    load(saved) {
      states.forEach((state, i) => state.load?.(saved[i] ?? []));
    },
  };
}

/** Times of events that pass a filter, and those of them that are over at the newest time asked about. */
interface SeenEvents {
  readonly events: readonly LiveEvent[];
  readonly times: readonly number[];
  readonly passed: number[];
  t: number;
}

const NO_EVENTS: readonly LiveEvent[] = [];

/** Turns live readings into what operators see; used by the reference evaluators' series as well. */
export class RowBuilder {
  readonly #view: FeatureView;
  readonly #normalize: (numbers: Map<string, number>) => void;
  readonly #derived: { name: string; formula: ReturnType<typeof parseFormula> }[];
  readonly #categories: Set<string>;
  readonly #featureIndex: Map<string, number>;
  readonly #codes: Map<string, Map<string, number>>;
  readonly #events = new Map<EventFilter, SeenEvents>();
  #index = 0;
  #lastTime = Number.NEGATIVE_INFINITY;

  constructor(view: FeatureView, fitted: FittedState) {
    this.#view = view;
    this.#normalize = normalizer(fitted.regimes);
    this.#derived = view.derived.map(({ name, formula }) => ({ name, formula: parseFormula(formula) }));
    this.#categories = categoryColumns(view);
    this.#featureIndex = new Map(view.features.map((feature, i) => [feature.name, i]));
    this.#codes = new Map(
      Object.entries(fitted.categories ?? {}).map(([name, values]) => [
        name,
        new Map(values.map((value, code) => [value, code])),
      ]),
    );
  }

  /** @param features values of this row's earlier features, filled while the row is processed */
  next(reading: LiveReading, context: AssetContext, features: Float64Array): StateRow {
    const { t } = reading;
    if (!Number.isFinite(t) || t < this.#lastTime)
      throw new RangeError(`reading: expected a time of at least ${this.#lastTime}, got ${t}`);
    this.#lastTime = t;
    const numbers = this.#numbers(reading);
    const texts = this.#texts(reading);
    return {
      index: this.#index++,
      t,
      number: (column) => numbers.get(column) ?? Number.NaN,
      text: (column) => texts.get(column) ?? null,
      attribute: (source, column) => attributeValue(context, source, column),
      eventTimes: (filter) => this.#eventTimes(context, filter, t),
      feature: (name) => features[this.#featureIndex.get(name) ?? -1] ?? Number.NaN,
      code: (feature, value) =>
        value === null ? Number.NaN : (this.#codes.get(feature)?.get(value) ?? Number.NaN),
    };
  }

  /** Events are sorted once; while times rise, each is stepped over once. */
  #eventTimes(context: AssetContext, filter: EventFilter, t: number): readonly number[] {
    const events = context.events?.[filter.source] ?? NO_EVENTS;
    let seen = this.#events.get(filter);
    if (seen?.events !== events || t < seen.t) {
      const times = events.filter((event) => passesFilter(filter, event)).map((event) => event.t);
      seen = { events, times: times.sort((a, b) => a - b), passed: [], t };
      this.#events.set(filter, seen);
    }
    const { times, passed } = seen;
    for (let next = times[passed.length]; next !== undefined && next <= t; next = times[passed.length])
      passed.push(next);
    seen.t = t;
    return passed;
  }

  #numbers({ values }: LiveReading): Map<string, number> {
    const numbers = new Map<string, number>();
    for (const { name, type } of this.#view.columns) {
      if (type === "text" || type === "timestamp") continue;
      const value = Object.hasOwn(values, name) ? values[name] : null;
      const number =
        typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : Number.NaN;
      numbers.set(name, cleanNumber(number));
    }
    for (const { name, formula } of this.#derived) {
      numbers.set(name, cleanNumber(evaluateFormula(formula, (used) => numbers.get(used) ?? Number.NaN)));
    }
    this.#normalize(numbers);
    return numbers;
  }

  #texts({ values }: LiveReading): Map<string, string> {
    const texts = new Map<string, string>();
    for (const name of this.#categories) {
      const value = Object.hasOwn(values, name) ? values[name] : null;
      if (typeof value === "string") texts.set(name, value);
      else if (typeof value === "boolean") texts.set(name, String(Number(value)));
      else if (typeof value === "number" && Number.isFinite(value)) texts.set(name, wholeNumberText(value));
    }
    return texts;
  }
}

/** The text DuckDB gives a double cast to BIGINT: rounded half to even. */
function wholeNumberText(value: number): string {
  const floor = Math.floor(value);
  const isTieToFloor = value - floor === 0.5 && floor % 2 === 0;
  const rounded = isTieToFloor ? floor : Math.round(value);
  return String(rounded === 0 ? 0 : rounded);
}

function attributeValue(context: AssetContext, source: string, column: string): number | string | null {
  const value = context.attributes?.[source]?.[column] ?? null;
  return typeof value === "boolean" ? Number(value) : value;
}
