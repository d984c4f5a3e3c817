import type { SentReading } from "./ledger.ts";

const STEP_MS = 100;
/** One in so many is not as declared. */
const BAD_EVERY = 50;
/** A month ago, an hour before the month ends: readings of one run lie in two months. */
const startOf = (now: Date): number => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1) - 3_600_000;

/** Readings that one device measures: each at a time of its own, and its value says which it is. */
export class ReadingSeries {
  readonly #path: string;
  readonly #part: () => string;
  #at = startOf(new Date());
  #n = 0;

  /** @param part  which part is being killed now: the names of its assets begin with it */
  constructor(path: string, part: () => string) {
    this.#path = path;
    this.#part = part;
  }

  next(): SentReading {
    this.#at += STEP_MS;
    this.#n += 1;
    const value = this.#n % BAD_EVERY === 0 ? -this.#n : this.#n;
    return { asset: `${this.#part()}.${this.#path}`, time: new Date(this.#at).toISOString(), value };
  }

  take(count: number): SentReading[] {
    return Array.from({ length: count }, () => this.next());
  }
}

/** As a source takes it. */
export const readingBody = ({ asset, time, value }: SentReading) => ({ asset, time, values: { value } });
