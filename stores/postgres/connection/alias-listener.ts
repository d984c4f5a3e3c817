import { Client } from "pg";
import type { ClientConfig } from "pg";

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;

/**
 * One connection of its own that listens for changed champions and tells every subscriber.
 *
 * Messages sent while it was disconnected are lost, so after each reconnect every model that has a champion
 * is announced once: a subscriber may hear of a change that it knows, never miss one for good.
 */
export class AliasListener {
  readonly #config: ClientConfig;
  readonly #channel: string;
  readonly #listeners = new Set<(model: string) => void>();
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;
  #connecting: Promise<void> | undefined;
  #isClosed = false;

  /** @param channel a constant of this program; it becomes part of the LISTEN statement */
  constructor(config: ClientConfig, channel: string) {
    this.#config = config;
    this.#channel = channel;
  }

  /** Resolves once the connection listens, or the first attempt failed and the next one is under way. */
  async subscribe(listener: (model: string) => void): Promise<() => Promise<void>> {
    this.#listeners.add(listener);
    if (this.#client === undefined && this.#timer === undefined) await this.#start(false);
    return async () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) await this.#disconnect();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    await this.#disconnect();
  }

  #start(isReconnect: boolean): Promise<void> {
    this.#connecting ??= this.#connect(isReconnect).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(isReconnect: boolean): Promise<void> {
    const client = new Client(this.#config);
    client.on("error", () => undefined);
    client.on("end", () => this.#retry(client));
    client.on("notification", ({ payload }) => {
      if (payload !== undefined) this.#tell(payload);
    });
    this.#client = client;
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
      this.#delayMs = FIRST_DELAY_MS;
      if (isReconnect) {
        const { rows } = await client.query<{ model: string }>(
          "select model from aura.aliases where alias = 'champion' order by model",
        );
        for (const { model } of rows) this.#tell(model);
      }
    } catch {
      // The listener is an accelerator over polling; a failed attempt is only tried again.
      await client.end().catch(() => undefined);
      this.#retry(client);
    }
  }

  #retry(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    if (this.#isClosed || this.#listeners.size === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#start(true);
    }, this.#delayMs);
    this.#timer.unref();
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
  }

  #tell(model: string): void {
    for (const listener of this.#listeners) listener(model);
  }

  async #disconnect(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#connecting;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }
}
