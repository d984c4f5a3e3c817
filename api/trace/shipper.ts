import { rename, rm } from "node:fs/promises";
import type { Logger } from "pino";
import { dataIdSchema } from "../../schemas/names.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { hashFile } from "../../stores/objects/plain-file.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { PredictionIndexRow, PredictionStore } from "../../stores/postgres/port.ts";
import { cutTornTail, readIndexRows } from "./segment-reader.ts";
import type { HeadlineOf } from "./segment-reader.ts";
import type { ClosedSegment, TraceSpool } from "./spool.ts";

export interface ShipperOptions {
  readonly spool: TraceSpool;
  readonly objects: ObjectStore;
  readonly predictions: () => PredictionStore;
  readonly headlineOf: HeadlineOf;
  readonly logger: Logger;
  /** Told of rows that the index cannot hold, and of segments that cannot be shipped. */
  readonly onSetAside?: (what: "row" | "segment", count: number) => void;
  readonly intervalMs?: number;
}

/** Index rows per statement: so few that making one holds the event loop for about a millisecond. */
const INDEX_BATCH_ROWS = 200;
const INDEX_ROWS_PER_LOOK = 4_000;
/** Pause after each statement, in times of its own duration: the index follows, answers come first. */
const PAUSE_RATIO = 9;
const MAX_INDEX_PAUSE_MS = 200;
const INTERVAL_MS = 400;
const MAX_PAUSE_MS = 20_000;
/** How often old segments that were set aside are looked for. */
const ASIDES_EVERY_MS = 3_600_000;

/**
 * Brings traces from the spool to where they stay: rows into the prediction index, closed segments into
 * `logs/predictions/<model>/`.
 *
 * Every step can be repeated: the index ignores rows it has, objects are write-once under a key with their
 * hash, and a local segment is deleted only after the database knows its object. When the database or the
 * object store is away, everything waits in the spool and goes on where it stopped.
 *
 * Nothing bad holds up what is good. A row that the index cannot hold is left out of it; it stays in its segment,
 * which is shipped. A segment that no later try can ship (no whole message, another content under its name) is
 * renamed to `<segment>.arrow.aside` and stays on this disk for people to look at, as long as the spool keeps it. A failure that is neither that nor
 * the absence of a store sends a segment behind the others.
 */
export class TraceShipper {
  private readonly options: ShipperOptions;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private failures = 0;
  private asidesAt = -Infinity;
  private isClosed = false;

  constructor(options: ShipperOptions) {
    this.options = options;
    this.plan();
  }

  /** One round now: index what waits, ship what is closed. Throws what the stores throw. */
  async round(): Promise<void> {
    const { spool } = this.options;
    const failures: unknown[] = [];
    const goOn = (error: unknown): void => {
      if (isAway(error)) throw error;
      failures.push(error);
    };
    await this.indexPending().catch(goOn);
    for (let left = spool.status().closedSegments; left > 0; left--) {
      const segment = spool.nextClosed();
      if (segment === undefined) break;
      try {
        await this.shipOrSetAside(segment);
      } catch (error) {
        spool.postpone(segment);
        goOn(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Stops the rounds; a last one is tried, and what it leaves is taken over at the next start. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.working;
    await this.round().catch((error: unknown) => {
      this.options.logger.info({ err: error }, "traces stay in the spool until the next start");
    });
  }

  private plan(): void {
    if (this.isClosed) return;
    const base = this.options.intervalMs ?? INTERVAL_MS;
    const pause = Math.min(MAX_PAUSE_MS, base * 2 ** Math.min(this.failures, 8));
    this.timer = setTimeout(() => {
      this.working = this.look().then(() => this.plan());
    }, pause);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    try {
      await this.dropOldAsides();
      await this.round();
      this.failures = 0;
    } catch (error) {
      if (this.failures++ === 0)
        this.options.logger.warn({ err: error }, "traces cannot be shipped; they wait in the spool");
    }
  }

  private async dropOldAsides(): Promise<void> {
    if (performance.now() - this.asidesAt < ASIDES_EVERY_MS) return;
    this.asidesAt = performance.now();
    const dropped = await this.options.spool.dropOldAsides();
    if (dropped > 0) this.options.logger.info({ dropped }, "trace segments set aside long ago were deleted");
  }

  private async indexPending(): Promise<void> {
    const { spool } = this.options;
    for (let done = 0; done < INDEX_ROWS_PER_LOOK; done += INDEX_BATCH_ROWS) {
      const rows = spool.takeIndexRows(INDEX_BATCH_ROWS);
      if (rows.length === 0) return;
      try {
        await this.index(rows);
      } catch (error) {
        spool.returnIndexRows(rows);
        throw error;
      }
    }
  }

  /** One statement, then a pause; none while closing, nor once the spool is half full. */
  private async index(rows: readonly PredictionIndexRow[]): Promise<void> {
    const began = performance.now();
    const sound = rows.filter(isIndexable);
    const leftOut = rows.filter((row) => !isIndexable(row));
    leftOut.push(...(await this.indexSound(sound)));
    if (leftOut.length > 0) this.tellLeftOut(leftOut);
    if (this.isClosed || this.options.spool.isHalfFull) return;
    const pause = Math.min(MAX_INDEX_PAUSE_MS, PAUSE_RATIO * (performance.now() - began));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  /** Halves a batch that the database refuses for its data, until what is refused is one row. @returns those rows */
  private async indexSound(rows: readonly PredictionIndexRow[]): Promise<PredictionIndexRow[]> {
    if (rows.length === 0) return [];
    try {
      await this.options.predictions().index(rows);
      return [];
    } catch (error) {
      if (!isDataFault(error)) throw error;
      if (rows.length === 1) return [...rows];
      const half = rows.length >> 1;
      return [...(await this.indexSound(rows.slice(0, half))), ...(await this.indexSound(rows.slice(half)))];
    }
  }

  /** One line for all: their ids are the server's own, their assets may be anything. */
  private tellLeftOut(rows: readonly PredictionIndexRow[]): void {
    const { onSetAside, logger } = this.options;
    onSetAside?.("row", rows.length);
    const places = rows
      .slice(0, 5)
      .map(({ predictionId, segment, offset }) => ({ predictionId, segment, offset }));
    logger.error(
      { count: rows.length, rows: places },
      "traced rows cannot be indexed; their segments have them",
    );
  }

  private async shipOrSetAside(segment: ClosedSegment): Promise<void> {
    try {
      await this.ship(segment);
    } catch (error) {
      if (!isSegmentFault(error)) throw error;
      await this.setAside(segment, error);
    }
  }

  private async setAside(segment: ClosedSegment, error: unknown): Promise<void> {
    const { spool, logger, onSetAside } = this.options;
    const { model, name, path } = segment;
    await rename(path, `${path}.aside`).catch((cause: unknown) => {
      if (!isMissing(cause)) throw cause;
    });
    spool.forgetIndexRows(name);
    spool.shipped(segment);
    onSetAside?.("segment", 1);
    logger.error({ model, segment: name, err: error }, "trace segment cannot be shipped; it was set aside");
  }

  private async ship(segment: ClosedSegment): Promise<void> {
    const { spool, objects, predictions } = this.options;
    const isIndexedFromFile = spool.hasPendingIndexRows(segment.name);
    if (isIndexedFromFile) await cutTornTail(segment.path);
    const { sha256 } = await hashFile(segment.path);
    const key = `logs/predictions/${segment.model}/${segment.name}-${sha256}.arrow`;
    const object = await objects.putFile(key, segment.path);
    if (isIndexedFromFile) {
      for await (const rows of readIndexRows(segment.path, segment.name, this.options.headlineOf)) {
        await this.index(rows);
      }
      spool.forgetIndexRows(segment.name);
    }
    await predictions().shipped(segment.name, object);
    await rm(segment.path);
    spool.shipped(segment);
  }
}

/** The database or the object store is away: nothing else is worth a try. */
function isAway(error: unknown): boolean {
  return isPlatformError(error) && error.isRetryable;
}

/** The database refuses values (SQLSTATE classes 22, data, and 23, constraints), whoever asks and whenever. */
function isDataFault(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && /^2[23]/.test(error.code)
  );
}

/** No later try can succeed: the bytes are not a segment, its name is no key, or other bytes are recorded for it. */
function isSegmentFault(error: unknown): boolean {
  if (isPlatformError(error)) return error.code === "conflict" || error.code === "invalid_name";
  return error instanceof RangeError || isMissing(error) || isDataFault(error);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** The index refuses what is no asset id; spools of earlier releases may have some. */
function isIndexable({ asset }: PredictionIndexRow): boolean {
  return asset === null || dataIdSchema.safeParse(asset).success;
}
