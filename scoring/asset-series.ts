import { createAssetState } from "../features/online.ts";
import type { AssetContext, AssetState } from "../features/online.ts";
import { readingFault } from "../features/reading-checks.ts";
import type { ReadingFault } from "../features/reading-checks.ts";
import { inputsOf } from "../features/view-inputs.ts";
import type { ReplayedReading, Snapshot } from "../stores/postgres/port/online.ts";
import type { LiveModel } from "./live-model.ts";
import type { SeriesCheckpoint } from "./series-checkpoint.ts";
import { WindowChecks } from "./window-checks.ts";
import type { WindowFaults } from "./window-checks.ts";

const HOUR_MICROS = 3_600_000_000;

export interface SeriesOptions {
  /** Readings from one checkpoint to the next; only series that look back over a whole life have any. */
  readonly checkpointEvery?: number;
  /** Whose readings it is given from as far before as windows reach back. */
  readonly resume?: SeriesCheckpoint | undefined;
}

/** What became of a reading: it comes after all others, it was there, or it belongs before one that was taken. */
export type Taken = "next" | "known" | "late";

/**
 * The features of one asset under one model, kept up reading by reading.
 *
 * Readings that ingest would put into quarantine are left out, as they are offline. A new life (epoch) of the asset begins
 * anew.
 */
export class AssetSeries {
  readonly #model: LiveModel;
  readonly #asset: string;
  readonly #needed: ReadonlySet<string>;
  readonly #context: AssetContext;
  #checks: WindowChecks;
  #state: AssetState;
  #last: ReplayedReading | undefined;
  #row: Float64Array;
  #nUsed = 0;
  #nRead = 0;
  /** Good readings that it was given, and those that there were where it was gone on from; Infinity: it was not. */
  #nGiven = 0;
  #nSaved = Infinity;
  #beganAt = NaN;
  #firstTs = NaN;
  #lastUsedTs = NaN;
  /** Readings from one checkpoint to the next; undefined: none are made. */
  readonly #every: number | undefined;
  /** Where it goes on from, until it has come there. */
  #resume: SeriesCheckpoint | undefined;
  #newest: SeriesCheckpoint | undefined;
  #settled: SeriesCheckpoint | undefined;
  #fault: ReadingFault | undefined;
  /** What the readings at its beginning were read by; a reading that it shows is known. */
  snapshot: Snapshot | undefined;
  /** Nothing of the asset's life lies before its first reading. */
  isWhole = true;
  /** ms since 1970 of the commit of the newest reading. */
  committedAt = NaN;

  constructor(model: LiveModel, asset: string, { checkpointEvery, resume }: SeriesOptions = {}) {
    this.#model = model;
    this.#every = inputsOf(model.view).needed.isLifelong ? checkpointEvery : undefined;
    this.#resume = resume;
    this.#settled = resume;
    this.#asset = asset;
    this.#context = model.contextOf(asset);
    this.#needed = new Set(inputsOf(model.view).columns.map(({ name }) => name));
    this.#checks = this.#newChecks();
    this.#state = createAssetState(model.view, model.fitted);
    this.#row = new Float64Array(model.view.features.length).fill(NaN);
  }

  get model(): LiveModel {
    return this.#model;
  }

  get asset(): string {
    return this.#asset;
  }

  /** Features at the newest good reading; NaN = missing. */
  get row(): Float64Array {
    return this.#row;
  }

  /** The newest reading, good or not. */
  get last(): ReplayedReading | undefined {
    return this.#last;
  }

  /** Time of the newest good reading; NaN without one. */
  get at(): number {
    return this.#lastUsedTs;
  }

  get firstAt(): number {
    return this.#firstTs;
  }

  get nUsed(): number {
    return this.#nUsed;
  }

  /**
   * Whether its features look back on as many good readings as they need, or on all there are.
   *
   * @param isWhole  it was given all of its life, or what lies before was saved
   */
  hasEnough(nGood: number, isWhole: boolean): boolean {
    return this.#nGiven >= Math.min(nGood, this.#nSaved) || (isWhole && this.#nSaved === Infinity);
  }

  /** Why the newest reading was left out; undefined where it was not. */
  get fault(): ReadingFault | undefined {
    return this.#fault;
  }

  /** The newest but one, which late readings seldom come before. */
  get checkpoint(): SeriesCheckpoint | undefined {
    return this.#settled;
  }

  /** What of the newest readings makes features unfit. */
  faults(): WindowFaults {
    return this.#checks.faults();
  }

  /** Columns of features that none of its readings had a value of. */
  neverSent(): string[] {
    return this.#checks.neverSent();
  }

  /** Takes the next reading of the asset; of one that is late nothing changes. */
  push(reading: ReplayedReading): Taken {
    const last = this.#last;
    if (last !== undefined) {
      const order = compareReadings(reading, last);
      if (order === 0) return "known";
      if (order < 0) return this.#isBeforeAll(reading) ? "known" : "late";
      if (reading.epoch > last.epoch) this.#beginLife();
    }
    this.#last = reading;
    const { binding, view } = this.#model;
    const { t, values } = binding.read(reading.ts, reading.values);
    this.#fault = readingFault(view.checks ?? [], { fields: values, index: 0, needed: this.#needed });
    this.#checks.push(t, values, this.#fault !== undefined);
    if (this.#nRead++ === 0) this.#beganAt = reading.ts;
    if (this.#fault === undefined) {
      if (this.#nUsed === 0) this.#firstTs = t;
      this.#nUsed++;
      if (this.#nSaved === Infinity) this.#nGiven++;
      this.#lastUsedTs = t;
      this.#row = this.#state.push({ t, values }, this.#context);
    }
    this.#passCheckpoint(reading);
    return "next";
  }

  /** Makes one where it is time, or goes on from the one that it was given. */
  #passCheckpoint(reading: ReplayedReading): void {
    const resume = this.#resume;
    if (resume === undefined) {
      if (this.#every === undefined || this.#nRead % this.#every !== 0) return;
      this.#settled = this.#newest ?? this.#settled;
      this.#newest = this.#checkpointAt(reading);
    } else if (compareReadings(reading, resume) === 0) {
      this.#resume = undefined;
      this.#state.load(resume.state);
      this.#row = Float64Array.from(resume.row, (value) => value ?? NaN);
      this.#nRead = resume.nRead;
      this.#beganAt = resume.beganAt;
      this.#nUsed = resume.nUsed;
      this.#nSaved = resume.nUsed;
      this.#firstTs = resume.firstAt ?? NaN;
    }
  }

  #checkpointAt({ epoch, ts, seq }: ReplayedReading): SeriesCheckpoint {
    return {
      epoch,
      ts,
      seq,
      nRead: this.#nRead,
      beganAt: this.#beganAt,
      nUsed: this.#nUsed,
      firstAt: this.#nUsed === 0 ? null : this.#firstTs,
      row: Array.from(this.#row, (value) => (Number.isNaN(value) ? null : value)),
      state: this.#state.save(),
    };
  }

  /** Older than what no feature looks back to. */
  #isBeforeAll({ epoch, ts }: ReplayedReading): boolean {
    const last = this.#last;
    return last !== undefined && (epoch < last.epoch || (!this.isWhole && ts < this.#firstTs));
  }

  #newChecks(): WindowChecks {
    const { view, online } = this.#model;
    const perRate = view.timeKind === "timestamp" ? HOUR_MICROS : 1;
    return new WindowChecks({ columns: [...this.#needed], settings: online, perRate });
  }

  #beginLife(): void {
    const { view, fitted } = this.#model;
    this.#checks = this.#newChecks();
    this.#state = createAssetState(view, fitted);
    this.#row = new Float64Array(view.features.length).fill(NaN);
    this.#nUsed = 0;
    this.#nGiven = 0;
    this.#nSaved = Infinity;
    this.#nRead = 0;
    this.#firstTs = NaN;
    this.#lastUsedTs = NaN;
    this.#resume = undefined;
    this.#newest = undefined;
    this.#settled = undefined;
    this.isWhole = true;
  }
}

type ReadingPlace = Pick<ReplayedReading, "epoch" | "ts" | "seq">;

/** Order of the readings of an asset. */
export function compareReadings(a: ReadingPlace, b: ReadingPlace): number {
  return a.epoch - b.epoch || a.ts - b.ts || a.seq - b.seq;
}

/** Whether a read with this snapshot saw what a committed transaction wrote. */
export function isSeenBy({ xmin, xmax, running }: Snapshot, tx: bigint): boolean {
  return tx < xmin || (tx < xmax && !running.has(tx));
}
