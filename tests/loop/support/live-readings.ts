import { setTimeout as sleep } from "node:timers/promises";

const SOURCE = "pump";
const EVERY_MS = 250;
/** For a server that is being started again. */
const PATIENCE_MS = 30_000;
const HEADERS = { "content-type": "application/json" };

/** Devices that send a reading of each asset four times a second, in order, and again until it is acknowledged. */
export class LiveReadings {
  readonly assets = Array.from({ length: 40 }, (_, i) => `q${i}`);
  readonly #apiUrl: string;
  readonly #began = Date.now() - 3_600_000;
  #round = 0;
  #isEnding = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(apiUrl: string) {
    this.#apiUrl = apiUrl;
  }

  async begin(): Promise<void> {
    const columns = [{ name: "voltage" }, { name: "current" }];
    await this.#send("PUT", `/v1/sources/${SOURCE}`, { name: SOURCE, owner: "test", columns });
    this.#sending = this.#sendRounds();
    // Whoever awaits `stop` hears of a failure; until then it is nobody's.
    this.#sending.catch(() => undefined);
  }

  /** Time of the newest reading, which all have: microseconds since 1970 UTC. */
  get newest(): number {
    return this.#timeOf(this.#round) * 1_000;
  }

  /** @throws {Error} a reading was not taken in time */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#sending;
  }

  async #sendRounds(): Promise<void> {
    while (!this.#isEnding) {
      const round = this.#round + 1;
      const time = new Date(this.#timeOf(round)).toISOString();
      const readings = this.assets.map((asset, i) => ({
        asset,
        time,
        values: { voltage: round, current: i },
      }));
      await this.#send("POST", "/readings", { source: SOURCE, readings });
      this.#round = round;
      await sleep(EVERY_MS);
    }
  }

  async #send(method: string, path: string, body: object): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const request = { method, headers: HEADERS, body: JSON.stringify(body) };
      const reply = await fetch(`${this.#apiUrl}${path}`, request).catch(() => undefined);
      const text = await reply?.text();
      if (reply?.ok === true) return;
      if (Date.now() > until) throw new Error(`send ${path}: ${reply?.status ?? "no answer"} ${text ?? ""}`);
      await sleep(100);
    }
  }

  #timeOf(round: number): number {
    return this.#began + round * 1_000;
  }
}
