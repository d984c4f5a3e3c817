/**
 * One feed from its stream into the store: batch, readings, commit, position, acknowledgement, in this order.
 *
 * A failure closes the stream and begins again behind the last committed position, after a pause that doubles. Whatever the
 * moment at which the process is killed, the other side or the stored position still has all that is not stored.
 */
import { setTimeout as wait } from "node:timers/promises";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { FeedKind } from "../../schemas/live/feed-origin.ts";
import type {
  Stream,
  StreamAdapter,
  StreamBatch,
  StreamPolicy,
  StreamPosition,
} from "../../sources/streams/stream.ts";
import type { FeedReport, FeedRow } from "../../stores/postgres/port/feeds.ts";
import type { LiveSourceRow } from "../../stores/postgres/port/live.ts";
import { openSecrets } from "./feed-secrets.ts";
import type { SecretPlaces } from "./feed-secrets.ts";
import type { PlacedReadings } from "../reading-intake.ts";
import { createReadingsOf, placedReadings } from "./message-readings.ts";
import type { ReadingsOf } from "./message-readings.ts";

/** What a feed needs of its process. */
export interface FeedSurroundings {
  readonly adapterOf: (kind: FeedKind) => Promise<StreamAdapter<FeedKind>>;
  readonly sourceOf: (source: string) => Promise<LiveSourceRow | undefined>;
  /** Resolves after the commit. */
  readonly submit: (source: string, adapter: string, readings: PlacedReadings) => Promise<unknown>;
  readonly report: (feed: string, report: FeedReport) => Promise<void>;
  /** For the metrics of the process. */
  readonly tell: (event: FeedEvent) => void;
  readonly secrets: SecretPlaces;
  readonly policy: StreamPolicy;
}

export interface FeedEvent {
  readonly feed: string;
  readonly kind: FeedKind;
  readonly what: "running" | "failed" | "batch" | "ended";
  readonly nWaiting?: number;
  readonly reason?: string;
}

/** Most readings that wait for one commit together. */
const MOST_READINGS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** The other side keeps the position: how far it is is said this often. */
const REPORT_EVERY_MS = 1_000;
const ROOM_PAUSE_MS = 200;
/** A source is asked for its newest version this often. */
const SOURCE_FRESH_MS = 5_000;

export class FeedRunner {
  readonly #row: FeedRow;
  readonly #around: FeedSurroundings;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #position: StreamPosition;
  #pauseMs = FIRST_PAUSE_MS;
  #nUnreported = 0;
  #reportedAt = -Infinity;
  #readingsOf: { readonly of: ReadingsOf; readonly at: number } | undefined;
  #hide = (text: string): string => text;

  constructor(row: FeedRow, around: FeedSurroundings) {
    this.#row = row;
    this.#around = around;
    this.#position = row.position;
    this.#ended = this.#run();
  }

  get revision(): number {
    return this.#row.revision;
  }

  /** Resolves when the stream is closed; what was taken and not committed is not acknowledged. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        if (signal.aborted) break;
        await this.#failed(error);
        await wait(this.#pauseMs, undefined, { signal }).catch(() => undefined);
        this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
    this.#tell("ended");
  }

  async #follow(): Promise<void> {
    const stream = await this.#subscribe();
    try {
      await this.#report({ state: "running", reason: null });
      this.#tell("running");
      while (!this.#abort.signal.aborted) {
        const batch = await stream.batch();
        if (this.#abort.signal.aborted) return;
        await this.#store(batch);
        await this.#keepPosition(batch);
        await stream.commit(batch);
        if (batch.messages.length > 0) this.#pauseMs = FIRST_PAUSE_MS;
        this.#tell("batch", batch.nWaiting === undefined ? {} : { nWaiting: batch.nWaiting });
      }
    } finally {
      await stream.close().catch(() => undefined);
    }
  }

  async #subscribe(): Promise<Stream> {
    const { document, feed } = this.#row;
    const { origin, hide } = await openSecrets(document.from, this.#around.secrets);
    this.#hide = hide;
    const adapter = await this.#around.adapterOf(origin.kind);
    return adapter.subscribe({
      feed,
      origin,
      position: this.#position,
      ...(document.reading?.items === undefined ? {} : { itemsPath: document.reading.items }),
      signal: this.#abort.signal,
      policy: this.#around.policy,
    });
  }

  async #store({ messages }: StreamBatch): Promise<void> {
    const { feed } = this.#row;
    await this.#submit(
      placedReadings(messages, { readingsOf: await this.#mapping(), prefix: `feed ${feed}` }),
    );
  }

  /** Waits where there is no room: nothing more is taken from the stream meanwhile. */
  async #submit({ readings, placeOf, rowOf }: PlacedReadings): Promise<void> {
    const { source, from: origin } = this.#row.document;
    for (let from = 0; from < readings.length;) {
      try {
        await this.#around.submit(source, origin.kind, {
          readings: readings.slice(from, from + MOST_READINGS),
          placeOf: (index) => placeOf(from + index),
          rowOf: (index) => rowOf?.(from + index),
        });
        from += MOST_READINGS;
      } catch (error) {
        if (!isPlatformError(error) || error.code !== "too_many_readings") throw error;
        await wait(ROOM_PAUSE_MS, undefined, { signal: this.#abort.signal });
      }
    }
  }

  async #mapping(): Promise<ReadingsOf> {
    const now = Date.now();
    if (this.#readingsOf !== undefined && now - this.#readingsOf.at < SOURCE_FRESH_MS)
      return this.#readingsOf.of;
    const { source, reading } = this.#row.document;
    const row = await this.#around.sourceOf(source);
    if (row === undefined)
      throw new PlatformError("not_found", `read feed [source ${source}]: there is no such source`);
    this.#readingsOf = { of: createReadingsOf(reading, row.document), at: now };
    return this.#readingsOf.of;
  }

  /** Before the other side is told: of two streams that both forgot, the position is the one that is behind. */
  async #keepPosition({ position, nWaiting, messages }: StreamBatch): Promise<void> {
    this.#nUnreported += messages.length;
    if (position === undefined && Date.now() - this.#reportedAt < REPORT_EVERY_MS) return;
    await this.#report({
      state: "running",
      reason: null,
      ...(position === undefined ? {} : { position }),
      ...(nWaiting === undefined ? {} : { nWaiting }),
    });
    if (position !== undefined) this.#position = position;
  }

  async #report(report: FeedReport): Promise<void> {
    await this.#around.report(this.#row.feed, { ...report, nMessages: this.#nUnreported });
    this.#nUnreported = 0;
    this.#reportedAt = Date.now();
  }

  async #failed(error: unknown): Promise<void> {
    const reason = this.#hide(isPlatformError(error) ? `${error.code}: ${error.message}` : reasonOf(error));
    this.#tell("failed", { reason });
    // With the database away there is nobody to tell it to; the log has it.
    await this.#report({ state: "failing", reason }).catch(() => undefined);
  }

  #tell(what: FeedEvent["what"], more: Pick<FeedEvent, "nWaiting" | "reason"> = {}): void {
    this.#around.tell({ feed: this.#row.feed, kind: this.#row.document.from.kind, what, ...more });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? `${error.code}: ` : "";
  return code + (error.message === "" ? error.name : error.message);
}
