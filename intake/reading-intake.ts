/**
 * The way of every reading into the store, whichever adapter brought it: check, resolve, commit with others, answer.
 *
 * Group commit: while one transaction runs, what arrives waits, and all of it is the next transaction. Nobody waits for
 * a timer, and a batch grows with the load. What is answered has been committed.
 */
import { createHash } from "node:crypto";
import type { IntakeProblem, IntakeReply } from "../schemas/live/intake.ts";
import type { LiveSource } from "../schemas/live/source.ts";
import { formatIsoMicros } from "../schemas/text/iso-time.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type {
  CommittedReadings,
  DeadLetter,
  LiveSourceRow,
  LiveSourceStore,
  ReadingRow,
  ReadingStore,
  ReadingSubmission,
} from "../stores/postgres/port/live.ts";
import { AssetLimiter } from "./asset-limiter.ts";
import { createReadingCheck, isFault } from "./check-reading.ts";
import type { CheckedReading, ReadingCheck, ReadingFault } from "./check-reading.ts";
import { GroupCommit } from "./group-commit.ts";
import { SeriesDirectory } from "./series-directory.ts";

export interface IntakeOptions {
  readonly sources: () => LiveSourceStore;
  readonly readings: () => ReadingStore;
  /** ms since 1970. */
  readonly now?: () => number;
  /** Readings that may wait for their commit; more are refused until there is room. */
  readonly maxWaiting?: number;
  /** Called after each commit. */
  readonly onCommit?: (event: IntakeEvent) => void;
}

/** Readings that come again after a crash, each from a place of its own by which it is known. */
export interface PlacedReadings {
  readonly readings: readonly unknown[];
  /** Where reading `index` stood; undefined: nowhere that would be the same the next time. */
  readonly placeOf: (index: number) => string | undefined;
  /** File and row of reading `index`, for who looks for it; undefined: of no file. */
  readonly rowOf?: (index: number) => string | undefined;
}

/** Where readings go, whoever brings them. */
export type ReadingSink = Pick<ReadingIntake, "submit" | "submitWhole" | "sourceChanged">;

/** What one submission came to. */
export interface IntakeEvent {
  readonly reply: IntakeReply;
  readonly adapter: string;
  /** From its arrival to its commit. */
  readonly seconds: number;
}

interface OpenSource {
  readonly row: LiveSourceRow;
  readonly check: ReadingCheck;
  readonly limiter: AssetLimiter | undefined;
  readonly openedAt: number;
}

const MAX_WAITING = 300_000;
/** A declaration is believed for so long without asking again. */
const FRESH_MS = 2_000;
const MAX_PROBLEMS = 100;
/** Of a dead letter no more is kept. */
const MAX_LETTER_CHARACTERS = 16_384;
const MAX_DATE_MICROS = 8.64e18;

export class ReadingIntake {
  readonly #options: IntakeOptions;
  readonly #now: () => number;
  readonly #commits: GroupCommit<ReadingSubmission, CommittedReadings>;
  readonly #directory: SeriesDirectory;
  readonly #sources = new Map<string, OpenSource>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#directory = new SeriesDirectory(options.readings);
    this.#commits = new GroupCommit({
      commit: (submissions) => options.readings().commit(submissions),
      sizeOf: ({ rows, letters }) => rows.length + letters.length + 1,
      maxWaiting: options.maxWaiting ?? MAX_WAITING,
    });
  }

  /** Readings that wait for their commit. */
  get nWaiting(): number {
    return this.#commits.nWaiting;
  }

  /**
   * Stores readings of one source. What is set aside is known again by whose and when it is, or else by its place.
   *
   * @returns after the commit, what became of them
   * @throws {PlatformError} not_found: no such source; source_retired; too_many_readings: no room now; database_unavailable: nothing is
   *   known to be stored, and sending them again stores none twice
   */
  async submit(
    name: string,
    adapter: string,
    given: readonly unknown[] | PlacedReadings,
  ): Promise<IntakeReply> {
    const arrivedAt = this.#now();
    const placed = "placeOf" in given ? given : { readings: given, placeOf: () => undefined };
    const { sender, source, sorted } = await this.#take(name, adapter, placed);
    return this.#commit({ sender, source, sorted, adapter, arrivedAt, nReadings: placed.readings.length });
  }

  /**
   * As `submit`, but nothing is set aside: with one reading that is not as declared, none is stored or counted.
   *
   * @throws {PlatformError} invalid_body: what is wrong with the first one
   */
  async submitWhole(name: string, adapter: string, readings: readonly unknown[]): Promise<IntakeReply> {
    const arrivedAt = this.#now();
    const placed = { readings, placeOf: () => undefined };
    const { sender, source, sorted } = await this.#take(name, adapter, placed);
    const [problem] = sorted.problems;
    if (problem !== undefined)
      throw new PlatformError(
        "invalid_body",
        `take readings [${problem.index}]: ${problem.code}: ${problem.message}`,
      );
    return this.#commit({ sender, source, sorted, adapter, arrivedAt, nReadings: readings.length });
  }

  /** Asks for the declaration anew with the next readings; other processes learn within seconds. */
  sourceChanged(name: string): void {
    const known = this.#sources.get(name);
    if (known !== undefined) this.#sources.set(name, { ...known, openedAt: -Infinity });
  }

  async #take(name: string, adapter: string, placed: PlacedReadings) {
    // A device sends readings of its own: whose the first one is says who sends.
    const sender = `${name} ${adapter} ${senderOf(placed.readings[0])}`;
    this.#commits.requireRoom(sender);
    const source = await this.#open(name);
    return { sender, source, sorted: await this.#sort(source, placed, this.#now()) };
  }

  async #commit({
    sender,
    source,
    sorted,
    adapter,
    arrivedAt,
    nReadings,
  }: TakenReadings): Promise<IntakeReply> {
    const { sourceKey, version, document } = source.row;
    const committed = await this.#commits.add(sender, {
      sourceKey,
      schemaVersion: version,
      adapter,
      nReceived: nReadings,
      rows: sorted.rows,
      letters: sorted.letters,
      nRejected: sorted.nRejected,
    });
    const { conflicts, ...counts } = committed;
    const reply: IntakeReply = {
      source: document.name,
      received: nReadings,
      ...counts,
      rejected: sorted.nRejected,
      problems: problemsOf(sorted, conflicts),
    };
    this.#options.onCommit?.({ reply, adapter, seconds: (this.#now() - arrivedAt) / 1_000 });
    return reply;
  }

  async #open(name: string): Promise<OpenSource> {
    const known = this.#sources.get(name);
    if (known !== undefined && this.#now() - known.openedAt < FRESH_MS) return known;
    const row = await this.#options.sources().get(name);
    if (row === undefined)
      throw new PlatformError("not_found", `take readings [source ${name}]: there is no such source`);
    requireTaking(row);
    const isSame = known?.row.version === row.version;
    const open = {
      row,
      check: isSame ? known.check : createReadingCheck(row.document),
      limiter: isSame ? known.limiter : limiterOf(row.document),
      openedAt: this.#now(),
    };
    this.#sources.set(name, open);
    return open;
  }

  /** Checks each reading and tells those that can be stored from the others. */
  async #sort(source: OpenSource, placed: PlacedReadings, nowMs: number): Promise<SortedReadings> {
    const { document } = source.row;
    const { readings } = placed;
    const sorter = new Sorter(placed);
    const checked: CheckedReading[] = [];
    const indices: number[] = [];
    readings.forEach((reading, index) => {
      const outcome = source.check(reading, nowMs);
      if (isFault(outcome)) sorter.refuse(index, outcome, outcomeOf(document, outcome));
      else {
        checked.push(outcome);
        indices.push(index);
      }
    });
    const places = await this.#directory.resolve(source.row, checked);
    checked.forEach(({ epoch, ts, seq, values }, i) => {
      const index = indices[i] as number;
      const place = places[i];
      if (place === undefined || place === null)
        sorter.refuse(index, UNKNOWN_ASSET, document.unknownAssets === "reject" ? "rejected" : "quarantined");
      else if (source.limiter?.take(place.seriesKey, nowMs) === false)
        sorter.refuse(index, limitFault(document), "rejected");
      else sorter.keep(index, { seriesKey: place.seriesKey, epoch, ts, seq, month: place.month, values });
    });
    return sorter;
  }
}

/** @throws {PlatformError} source_retired */
export function requireTaking({ document: { name }, retiredAt }: LiveSourceRow): void {
  if (retiredAt !== null)
    throw new PlatformError(
      "source_retired",
      `take readings [source ${name}]: it is retired since ${retiredAt}, and takes none`,
    );
}

interface TakenReadings {
  readonly sender: string;
  readonly source: OpenSource;
  readonly sorted: SortedReadings;
  readonly adapter: string;
  readonly arrivedAt: number;
  readonly nReadings: number;
}

interface SortedReadings {
  readonly rows: readonly ReadingRow[];
  /** Where each row stood in what was sent. */
  readonly indices: readonly number[];
  readonly letters: readonly DeadLetter[];
  readonly nRejected: number;
  readonly problems: IntakeProblem[];
}

class Sorter implements SortedReadings {
  readonly rows: ReadingRow[] = [];
  readonly indices: number[] = [];
  readonly letters: DeadLetter[] = [];
  readonly problems: IntakeProblem[] = [];
  nRejected = 0;
  readonly #placed: PlacedReadings;

  constructor(placed: PlacedReadings) {
    this.#placed = placed;
  }

  keep(index: number, row: ReadingRow): void {
    this.rows.push(row);
    this.indices.push(index);
  }

  refuse(index: number, { code, message }: ReadingFault, outcome: RefusedOutcome): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ index, code, outcome, message });
    if (outcome === "rejected") {
      this.nRejected++;
      return;
    }
    const reading = this.#placed.readings[index];
    const body = bodyOf(reading);
    const row = this.#placed.rowOf?.(index);
    this.letters.push({
      code,
      message: row === undefined ? message : `${row}: ${message}`,
      asset: senderOf(reading),
      body: body.slice(0, MAX_LETTER_CHARACTERS),
      identity: identityOf(isKeyed(reading) ? "" : this.#placed.placeOf(index), body),
    });
  }
}

type RefusedOutcome = Exclude<IntakeProblem["outcome"], "duplicate">;

/** What was refused at the door, and what met another reading at the commit, in the order of what was sent. */
function problemsOf({ problems, indices }: SortedReadings, conflicts: readonly number[]): IntakeProblem[] {
  if (conflicts.length === 0) return problems;
  const met = conflicts.slice(0, MAX_PROBLEMS).map((row) => ({ index: indices[row] ?? 0, ...CONFLICT }));
  return [...problems, ...met].toSorted((a, b) => a.index - b.index).slice(0, MAX_PROBLEMS);
}

const CONFLICT = {
  code: "conflict",
  outcome: "duplicate",
  message:
    "a reading with other values stands at this asset, epoch, time and seq, and stays: this one is not stored",
} as const;

const UNKNOWN_ASSET: ReadingFault = { code: "unknown_asset", message: "there is no such asset or device" };

const limitFault = ({ perAsset }: LiveSource): ReadingFault => ({
  code: "rate_limited",
  message: `expected at most ${perAsset?.perSecond} readings a second of one asset`,
});

function limiterOf({ perAsset }: LiveSource): AssetLimiter | undefined {
  return perAsset === undefined ? undefined : new AssetLimiter(perAsset);
}

function outcomeOf({ unknownColumns }: LiveSource, { code }: ReadingFault): RefusedOutcome {
  return code === "unknown_column" && unknownColumns === "reject" ? "rejected" : "quarantined";
}

function senderOf(reading: unknown): string | null {
  if (typeof reading !== "object" || reading === null) return null;
  const { asset, device } = reading as Record<string, unknown>;
  const id = asset ?? device;
  return typeof id === "string" ? id.slice(0, 128) : null;
}

/** Beyond the years that a date can name, the number. */
function timeText(micros: number): string {
  return Math.abs(micros) <= MAX_DATE_MICROS ? formatIsoMicros(micros) : String(micros);
}

/** NaN and infinities, which Arrow and MQTT can bring, are kept as words. */
function bodyOf(reading: unknown): string {
  const text = JSON.stringify(reading, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value)
      ? String(value)
      : typeof value === "bigint"
        ? timeText(Number(value))
        : value,
  );
  return text ?? "null";
}

/** Says whose it is and when: sent again it is the same, from wherever it comes. */
function isKeyed(reading: unknown): boolean {
  if (typeof reading !== "object" || reading === null) return false;
  const { asset, device, time } = reading as Record<string, unknown>;
  return (asset ?? device ?? null) !== null && (time ?? null) !== null;
}

const identityOf = (place: string | undefined, body: string): string | null =>
  place === undefined ? null : createHash("sha256").update(`${place}\n${body}`).digest("hex");
