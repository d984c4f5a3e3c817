import type { Logger } from "pino";
import type { AlertStore, NewAlert } from "../stores/postgres/port.ts";
import type { Metrics } from "./metrics.ts";

export interface AlarmsOptions {
  readonly alerts: () => AlertStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly intervalMs?: number;
}

/** Beyond this the oldest go: somebody with a thousand alarms has heard of them otherwise. */
const MAX_WAITING = 1_000;
const INTERVAL_MS = 15_000;

/**
 * Alerts of the serving process. Raising one never waits and never fails: it is kept in memory until the database takes
 * it, and each is raised once per key. Counts the open ones for the metrics on the way.
 */
export class Alarms {
  readonly #options: AlarmsOptions;
  readonly #waiting = new Map<string, NewAlert>();
  readonly #timer: NodeJS.Timeout;
  #working: Promise<void> | undefined;

  constructor(options: AlarmsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), options.intervalMs ?? INTERVAL_MS).unref();
  }

  raise(alert: NewAlert): void {
    this.#waiting.set(alert.key, alert);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#look();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  #look(): void {
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  async #work(): Promise<void> {
    const { alerts, metrics, logger } = this.#options;
    try {
      for (const [key, alert] of this.#waiting) {
        await alerts().raise(alert);
        this.#waiting.delete(key);
      }
      metrics.alertsOpen(await alerts().countOpen());
    } catch (err) {
      logger.debug({ err, waiting: this.#waiting.size }, "alerts wait for the database");
    }
  }
}

/** The hour an alarm belongs to: what repeats within it is one alert. */
export const hourOf = (now = new Date()): string => now.toISOString().slice(0, 13);
