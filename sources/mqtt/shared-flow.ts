/** Of all clients together so much may wait for its commit. */
const MOST_BYTES = 64 * 2 ** 20;
const READ_ON_AT = 48 * 2 ** 20;
/** What a message takes beside its payload while it waits. */
const BYTES_PER_MESSAGE = 1_024;

/**
 * Messages of all clients that wait for their commit. While there are too many, who has sent something is not read from until there is
 * room: each client has a bound of its own, and ten thousand of them are ten thousand times as much.
 */
export class SharedFlow {
  #bytes = 0;
  readonly #waiting = new Set<() => void>();

  get isFull(): boolean {
    return this.#bytes >= MOST_BYTES;
  }

  take(payloadBytes: number): void {
    this.#bytes += payloadBytes + BYTES_PER_MESSAGE;
  }

  give(payloadBytes: number): void {
    this.#bytes -= payloadBytes + BYTES_PER_MESSAGE;
    if (this.#bytes > READ_ON_AT || this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const readOn of waiting) readOn();
  }

  /** Calls `readOn` once there is room: now, or later. */
  whenRoom(readOn: () => void): void {
    if (this.isFull) this.#waiting.add(readOn);
    else readOn();
  }

  /** Who is gone waits for nothing. */
  forget(readOn: () => void): void {
    this.#waiting.delete(readOn);
  }
}
