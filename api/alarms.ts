import type { Logger } from "pino";
import { isPlatformError } from "../schemas/platform-error.ts";
import type { AlertStore, NewAlert } from "../stores/postgres/port.ts";
import type { Metrics } from "./metrics.ts";

type AlarmStore = Pick<AlertStore, "raise" | "resolve" | "countOpen">;

export interface AlarmsOptions {
  readonly alerts: () => AlarmStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly intervalMs?: number;
}

/** Beyond this the oldest go: somebody with a thousand alarms has heard of them otherwise. */
const MAX_WAITING = 1_000;
/** After so many refusals an alert is dropped. */
const MAX_REFUSALS = 3;
const INTERVAL_MS = 15_000;

/**
 * Alerts of the serving process. Raising one never waits and never fails: it is kept in memory until the database takes
 * it, and each is raised once per key until it is over. Counts the open ones for the metrics on the way.
 */
export class Alarms {
  readonly #options: AlarmsOptions;
  readonly #waiting = new Map<string, Message>();
  readonly #timer: NodeJS.Timeout;
  #working: Promise<void> | undefined;

  constructor(options: AlarmsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), options.intervalMs ?? INTERVAL_MS).unref();
  }

  raise(alert: NewAlert): void {
    this.#tell(alert.key, (alerts) => alerts.raise(alert));
  }

  /** What was told of a subject is over: should it come again, that is another alert. */
  resolve(kind: string, subject: string): void {
    this.#tell(`over/${kind}/${subject}`, (alerts) => alerts.resolve(kind, subject));
  }

  #tell(key: string, tell: Message["tell"]): void {
    const nRefused = this.#waiting.get(key)?.nRefused ?? 0;
    // Last again: what is over and comes again comes after its end.
    this.#waiting.delete(key);
    this.#waiting.set(key, { tell, nRefused });
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

  /**
   * Tells the database; one that it refuses must not hold up those behind it.
   *
   * @returns whether it is to be tried again
   * @throws {PlatformError} the database is away: all wait
   */
  async #isRefused(key: string, message: Message): Promise<boolean> {
    const { alerts, logger } = this.#options;
    try {
      await message.tell(alerts());
      return false;
    } catch (err) {
      if (isPlatformError(err) && err.isRetryable) throw err;
      message.nRefused += 1;
      if (message.nRefused < MAX_REFUSALS) return true;
      logger.warn({ err, key }, "alert dropped: the database refuses it");
      return false;
    }
  }

  async #work(): Promise<void> {
    const { alerts, metrics, logger } = this.#options;
    try {
      for (const [key, message] of this.#waiting) {
        const isRefused = await this.#isRefused(key, message);
        // One that was told anew meanwhile stays for the next look.
        if (!isRefused && this.#waiting.get(key) === message) this.#waiting.delete(key);
      }
      metrics.alertsOpen(await alerts().countOpen());
    } catch (err) {
      logger.debug({ err, waiting: this.#waiting.size }, "alerts wait for the database");
    }
  }
}

interface Message {
  readonly tell: (alerts: AlarmStore) => Promise<void>;
  /** How often the database refused it. */
  nRefused: number;
}

/** The hour an alarm belongs to: what repeats within it is one alert. */
export const hourOf = (now = new Date()): string => now.toISOString().slice(0, 13);
