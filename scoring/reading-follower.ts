import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import type { FollowedReading, FollowPosition, OnlineStore } from "../stores/postgres/port/online.ts";

export interface ReadingFollowerOptions {
  readonly online: Pick<OnlineStore, "present" | "follow" | "followed" | "onReadings">;
  readonly scorerId: string;
  readonly sources: () => readonly number[];
  readonly shards: () => readonly number[];
  /** Readings in the order of their commits. */
  readonly take: (readings: readonly FollowedReading[]) => void;
  readonly onFailure: (error: unknown) => void;
  /** How long what was taken may wait before it is scored: only then it is written down as followed. */
  readonly settleMs: number;
}

/** Without a notification it looks this often. */
const IDLE_MS = 1_000;
/** While something waits for a transaction beside it. */
const HELD_BACK_MS = 15;
const AFTER_FAILURE_MS = 500;
/** Readings are taken for so long, and these many at least, between two turns of the event loop. */
const TURN_MS = 2;
const LEAST_AT_ONCE = 20;
/** How far it came is written down this often at most. */
const NOTE_EVERY_MS = 1_000;

/**
 * Follows committed readings. Batches are read below the oldest open transaction, so that one that commits late is not
 * passed over; a notification after each commit wakes it.
 */
export class ReadingFollower {
  readonly #options: ReadingFollowerOptions;
  #position: FollowPosition | undefined;
  readonly #loop = new WokenLoop(() => this.#look());
  /** Where it was when, until that is written down. */
  #reached: { readonly position: FollowPosition; readonly at: number }[] = [];
  #noted: FollowPosition | undefined;
  #unsubscribe: (() => Promise<void>) | undefined;

  constructor(options: ReadingFollowerOptions) {
    this.#options = options;
  }

  /** Follows what is committed from now on. */
  async start(): Promise<void> {
    this.#position = await this.#options.online.present();
    this.#unsubscribe = await this.#options.online.onReadings(() => this.wake());
    this.wake();
  }

  /** Everything before this was taken; what is being read now is waited for. */
  async settled(): Promise<FollowPosition | undefined> {
    await this.#loop.settled();
    return this.#position;
  }

  wake(): void {
    this.#loop.wake();
  }

  /** Takes nothing any more. */
  async stop(): Promise<void> {
    const closed = this.#loop.close();
    await this.#unsubscribe?.();
    await closed;
  }

  /** Writes down how far it came: everything that was taken has been scored. */
  async noteEnd(): Promise<void> {
    if (this.#position === undefined) return;
    await this.#options.online.followed(this.#options.scorerId, this.#position);
  }

  /** @returns ms until it should look again */
  async #look(): Promise<number> {
    const { online, sources, shards, onFailure } = this.#options;
    try {
      for (;;) {
        if (this.#position === undefined || this.#loop.isClosed) return IDLE_MS;
        const found = await online.follow(this.#position, { sources: sources(), shards: shards() });
        await this.#take(found.readings);
        this.#position = found.upTo;
        if (found.hasMore) continue;
        await this.#note();
        return found.isHeldBack ? HELD_BACK_MS : IDLE_MS;
      }
    } catch (error) {
      onFailure(error);
      return AFTER_FAILURE_MS;
    }
  }

  /** Whoever asks, and the leases, need not wait for a whole batch. */
  async #take(readings: readonly FollowedReading[]): Promise<void> {
    let turnBegan = performance.now();
    for (let at = 0; at < readings.length; at += LEAST_AT_ONCE) {
      this.#options.take(readings.slice(at, at + LEAST_AT_ONCE));
      if (performance.now() - turnBegan < TURN_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnBegan = performance.now();
    }
  }

  async #note(): Promise<void> {
    const now = performance.now();
    const position = this.#position;
    if (position !== undefined && now - (this.#reached.at(-1)?.at ?? -Infinity) > NOTE_EVERY_MS)
      this.#reached.push({ position, at: now });
    const settled = this.#reached.filter(({ at }) => now - at > this.#options.settleMs).at(-1);
    if (settled === undefined) return;
    this.#reached = this.#reached.filter(({ at }) => at > settled.at);
    if (settled.position === this.#noted) return;
    await this.#options.online.followed(this.#options.scorerId, settled.position);
    this.#noted = settled.position;
  }
}
