import { Client } from "pg";
import type { ClientConfig } from "pg";
import type { ClaimOptions, FeedClaims } from "../../port/feeds.ts";

export const FEED_CHANNEL = "aura_feeds";

/** First key of the advisory locks of feeds. */
const CLAIM_CLASS = 0x61666565;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5_000;

/**
 * Claims of feeds as advisory locks of one connection, which listens for changes as well.
 *
 * When the connection breaks the server gives the locks back, and another process may have them at once: the owner is
 * told so and stops, and both may for a moment read the same stream, which stores nothing twice.
 */
export class PostgresFeedClaims implements FeedClaims {
  readonly #config: ClientConfig;
  readonly #options: ClaimOptions;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;
  #isClosed = false;

  constructor(config: ClientConfig, options: ClaimOptions) {
    this.#config = config;
    this.#options = options;
    void this.#connect();
  }

  async claim(feed: string): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return false;
    try {
      const { rows } = await client.query<{ is: boolean }>(
        "select pg_try_advisory_lock($1, hashtext($2)) as is",
        [CLAIM_CLASS, feed],
      );
      return rows[0]?.is === true;
    } catch {
      // The connection broke: `onLost` says so.
      return false;
    }
  }

  async release(feed: string): Promise<void> {
    await this.#client
      ?.query("select pg_advisory_unlock($1, hashtext($2))", [CLAIM_CLASS, feed])
      .catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new Client(this.#config);
    client.on("error", () => undefined);
    client.on("end", () => this.#lost(client));
    client.on("notification", () => this.#options.onChange());
    try {
      await client.connect();
      await client.query(`listen ${FEED_CHANNEL}`);
      if (this.#isClosed) return await client.end();
      this.#client = client;
      this.#delayMs = FIRST_DELAY_MS;
      this.#options.onChange();
    } catch {
      await client.end().catch(() => undefined);
      this.#retry();
    }
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    if (this.#isClosed) return;
    this.#options.onLost();
    this.#retry();
  }

  #retry(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
  }
}
