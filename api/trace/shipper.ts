import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Logger } from "pino";
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
  readonly intervalMs?: number;
}

/** Index rows per statement: so few that making one holds the event loop for about a millisecond. */
const INDEX_BATCH_ROWS = 200;
const INDEX_ROWS_PER_LOOK = 4_000;
/** Pause after each statement, in times of its own duration: the index follows, answers come first. */
const PAUSE_RATIO = 4;
const MAX_INDEX_PAUSE_MS = 200;
const INTERVAL_MS = 400;
const MAX_PAUSE_MS = 20_000;

/**
 * Brings traces from the spool to where they stay: rows into the prediction index, closed segments into
 * `logs/predictions/<model>/`.
 *
 * Every step can be repeated: the index ignores rows it has, objects are write-once under a key with their
 * hash, and a local segment is deleted only after the database knows its object. When the database or the
 * object store is away, everything waits in the spool and goes on where it stopped.
 */
export class TraceShipper {
  private readonly options: ShipperOptions;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private failures = 0;
  private isClosed = false;

  constructor(options: ShipperOptions) {
    this.options = options;
    this.plan();
  }

  /** One round now: index what waits, ship what is closed. Throws what the stores throw. */
  async round(): Promise<void> {
    await this.indexPending();
    for (
      let segment = this.options.spool.nextClosed();
      segment !== undefined;
      segment = this.options.spool.nextClosed()
    ) {
      await this.ship(segment);
    }
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
      await this.round();
      this.failures = 0;
    } catch (error) {
      if (this.failures++ === 0)
        this.options.logger.warn({ err: error }, "traces cannot be shipped; they wait in the spool");
    }
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
    await this.options.predictions().index(rows);
    if (this.isClosed || this.options.spool.isHalfFull) return;
    const pause = Math.min(MAX_INDEX_PAUSE_MS, PAUSE_RATIO * (performance.now() - began));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  private async ship(segment: ClosedSegment): Promise<void> {
    const { spool, objects, predictions } = this.options;
    const isIndexedFromFile = spool.hasPendingIndexRows(segment.name);
    if (isIndexedFromFile) await cutTornTail(segment.path);
    const { size } = await stat(segment.path);
    const sha256 = await hashFile(segment.path);
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
    spool.shipped(segment, size);
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
