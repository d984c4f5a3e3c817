import type { LiveValue } from "../features/online.ts";
import type { OnlineSettings } from "../schemas/pipeline/online.ts";

export interface WindowChecksOptions {
  /** Columns that features are computed from. */
  readonly columns: readonly string[];
  readonly settings: Pick<OnlineSettings, "window" | "maxMissing" | "maxBad" | "stuckAfter" | "maxRate">;
  /** Units of time in what rates are counted in: an hour, or one cycle. */
  readonly perRate: number;
}

/** What of the newest readings makes features unfit. */
export interface WindowFaults {
  /** Of all features. */
  readonly whole?: string;
  /** By column. */
  readonly columns: ReadonlyMap<string, string>;
}

const MISSING = 1;
const FAST = 2;

interface ColumnState {
  readonly name: string;
  nMissing: number;
  nFast: number;
  /** Of the last value that was there. */
  value: LiveValue;
  t: number;
  /** So many readings with that value in a row. */
  run: number;
}

/**
 * Checks of the newest readings of one asset: values that are missing, sensors that are stuck or jump, readings that are bad.
 *
 * A ring holds what was noted of each reading, and counts follow it: O(columns) for a reading, whatever the window.
 */
export class WindowChecks {
  readonly #options: WindowChecksOptions;
  readonly #columns: readonly ColumnState[];
  readonly #notes: Uint8Array;
  readonly #bad: Uint8Array;
  #nBad = 0;
  #nSeen = 0;

  constructor(options: WindowChecksOptions) {
    this.#options = options;
    const { columns, settings } = options;
    this.#columns = columns.map((name) => ({ name, nMissing: 0, nFast: 0, value: null, t: NaN, run: 0 }));
    this.#notes = new Uint8Array(settings.window * columns.length);
    this.#bad = new Uint8Array(settings.window);
  }

  /** Notes a reading. @param isBad it was left out; nothing of its values counts */
  push(t: number, values: Readonly<Record<string, LiveValue>>, isBad: boolean): void {
    const { window } = this.#options.settings;
    const place = this.#nSeen % window;
    this.#nBad += Number(isBad) - (this.#bad[place] as number);
    this.#bad[place] = Number(isBad);
    this.#columns.forEach((column, i) => {
      const at = place * this.#columns.length + i;
      const before = this.#notes[at] as number;
      const note = isBad ? 0 : this.#note(column, t, values[column.name] ?? null);
      this.#notes[at] = note;
      column.nMissing += (note & MISSING) - (before & MISSING);
      column.nFast += ((note & FAST) - (before & FAST)) / FAST;
    });
    this.#nSeen++;
  }

  faults(): WindowFaults {
    const { window, maxBad, maxMissing, stuckAfter } = this.#options.settings;
    const n = Math.min(window, this.#nSeen);
    const columns = new Map<string, string>();
    // Of half a window nothing is said yet.
    const isEnough = n * 2 >= window;
    const nGood = n - this.#nBad;
    for (const { name, nMissing, nFast, value, run } of this.#columns) {
      const limit = Object.hasOwn(stuckAfter, name) ? stuckAfter[name] : undefined;
      if (isEnough && nGood > 0 && nMissing === nGood) columns.set(name, `${name} is not sent any more`);
      else if (isEnough && nMissing > maxMissing * nGood)
        columns.set(name, `${name} is missing in ${nMissing} of the newest ${nGood} readings`);
      else if (limit !== undefined && run >= limit)
        columns.set(name, `${name} is stuck at ${String(value)} for ${run} readings`);
      else if (nFast > 0) columns.set(name, `${name} changed faster than it can`);
    }
    if (!isEnough || this.#nBad <= maxBad * n) return { columns };
    return { whole: `${this.#nBad} of the newest ${n} readings are not as declared`, columns };
  }

  /** Columns that no reading had a value of. */
  neverSent(): string[] {
    return this.#columns.filter(({ t }) => Number.isNaN(t)).map(({ name }) => name);
  }

  #note(column: ColumnState, t: number, value: LiveValue): number {
    if (value === null) return MISSING;
    const { maxRate } = this.#options.settings;
    const most = Object.hasOwn(maxRate, column.name) ? maxRate[column.name] : undefined;
    const before = column.value;
    const passed = (t - column.t) / this.#options.perRate;
    column.run = value === before ? column.run + 1 : 1;
    column.value = value;
    column.t = t;
    if (most === undefined || typeof value !== "number" || typeof before !== "number") return 0;
    const change = Math.abs(value - before);
    return change > 0 && change > most * Math.max(0, passed) ? FAST : 0;
  }
}
