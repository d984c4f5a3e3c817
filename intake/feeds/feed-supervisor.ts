import type { FeedClaims, FeedRow, FeedStore } from "../../stores/postgres/port/feeds.ts";
import { FeedRunner } from "./feed-runner.ts";
import type { FeedSurroundings } from "./feed-runner.ts";

export interface FeedSupervisorOptions {
  readonly feeds: FeedStore;
  readonly around: FeedSurroundings;
  /** The feeds could not be read; it is tried again. */
  readonly onTrouble: (error: unknown) => void;
}

/** Changes are announced; a look behind that finds what an announcement missed. */
const LOOK_EVERY_MS = 5_000;

/**
 * Runs the declared feeds: starts what is new, begins anew what has changed, stops what is paused or gone.
 *
 * Any number of processes may do this at once: a feed is run by the one that claimed it, and by another within seconds after
 * that one is gone.
 */
export class FeedSupervisor {
  readonly #options: FeedSupervisorOptions;
  readonly #runners = new Map<string, FeedRunner>();
  readonly #claims: FeedClaims;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #isAsked = false;
  #isClosed = false;

  constructor(options: FeedSupervisorOptions) {
    this.#options = options;
    this.#claims = options.feeds.openClaims({
      onChange: () => this.#ask(),
      onLost: () => void this.#stopAll(),
    });
    this.#timer = setInterval(() => this.#ask(), LOOK_EVERY_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#looking;
    await this.#stopAll();
    await this.#claims.close();
  }

  /** One look at a time; what is asked meanwhile is one more look. */
  #ask(): void {
    if (this.#isAsked || this.#isClosed) return;
    this.#isAsked = true;
    this.#looking = this.#looking.then(async () => {
      this.#isAsked = false;
      if (this.#isClosed) return;
      try {
        await this.#look();
      } catch (error) {
        this.#options.onTrouble(error);
      }
    });
  }

  async #look(): Promise<void> {
    const { feeds } = this.#options;
    const rows = await feeds.list();
    const wanted = new Map(rows.filter(({ isPaused }) => !isPaused).map((row) => [row.feed, row]));
    const ends = [...this.#runners].filter(([feed, { revision }]) => wanted.get(feed)?.revision !== revision);
    await Promise.all(ends.map(([feed]) => this.#stop(feed, rows)));
    for (const row of wanted.values()) if (!this.#runners.has(row.feed)) await this.#start(row.feed);
    if (this.#runners.size > 0) await feeds.touch([...this.#runners.keys()]);
  }

  async #start(feed: string): Promise<void> {
    if (!(await this.#claims.claim(feed))) return;
    // Read again under the claim: the one who had it may have moved the position on.
    const row = await this.#options.feeds.get(feed);
    if (row === undefined || row.isPaused) await this.#claims.release(feed);
    else this.#runners.set(feed, new FeedRunner(row, this.#options.around));
  }

  async #stop(feed: string, rows: readonly FeedRow[]): Promise<void> {
    await this.#runners.get(feed)?.stop();
    this.#runners.delete(feed);
    if (rows.some((row) => row.feed === feed && row.isPaused))
      await this.#options.feeds.report(feed, { state: "paused", reason: null });
    await this.#claims.release(feed);
  }

  async #stopAll(): Promise<void> {
    const runners = [...this.#runners.values()];
    this.#runners.clear();
    await Promise.all(runners.map((runner) => runner.stop()));
  }
}
