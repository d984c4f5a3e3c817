import { PlatformError } from "../../schemas/platform-error.ts";

/**
 * Bytes of bodies that are being read, checked and committed at once. A few large bodies or many small ones fit; what does
 * not is refused, so that memory does not grow with the number of senders while the database is slow or away. Bytes count when they
 * are there: who sends slowly, or says that it will send much, takes no room from others.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  #nBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Runs `work` with a share of the budget, which grows with what it takes and is given back at the end. */
  async with<T>(work: (share: BodyShare) => Promise<T>): Promise<T> {
    let own = 0;
    const requireRoom = (nBytes: number): void => {
      // One alone may always go on: its own limit bounds it.
      if (this.#nBytes === own || this.#nBytes + nBytes <= this.#maxBytes) return;
      throw new PlatformError(
        "too_many_readings",
        `take readings: ${this.#nBytes} bytes are in work already`,
      );
    };
    try {
      return await work({
        requireRoom,
        take: (nBytes) => {
          requireRoom(nBytes);
          own += nBytes;
          this.#nBytes += nBytes;
        },
      });
    } finally {
      this.#nBytes -= own;
    }
  }
}

/** What one body has of the budget. */
export interface BodyShare {
  /** @throws {PlatformError} too_many_readings: so many bytes would not fit now */
  readonly requireRoom: (nBytes: number) => void;
  /** @throws {PlatformError} too_many_readings */
  readonly take: (nBytes: number) => void;
}
