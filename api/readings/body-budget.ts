import { PlatformError } from "../../schemas/platform-error.ts";

/**
 * Bytes of bodies that are being read, checked and committed at once. A few large bodies or many small ones fit; what does
 * not is refused before it is read, so that memory does not grow with the number of senders while the database is slow or away.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  #nBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Runs `work` with so many bytes of the budget. @throws {PlatformError} too_many_readings: they are not there now */
  async with<T>(nBytes: number, work: () => Promise<T>): Promise<T> {
    // One alone may always pass: its own limit bounds it.
    if (this.#nBytes > 0 && this.#nBytes + nBytes > this.#maxBytes)
      throw new PlatformError(
        "too_many_readings",
        `take readings: ${this.#nBytes} bytes are in work already`,
      );
    this.#nBytes += nBytes;
    try {
      return await work();
    } finally {
      this.#nBytes -= nBytes;
    }
  }
}
