/**
 * Looks for work when it is woken, as by a notification of the database, and again after a pause should a notification be lost.
 * One look at a time; who wakes it meanwhile has another look follow.
 */
export class WokenLoop {
  readonly #look: () => Promise<number>;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isWoken = false;
  #isClosed = false;

  /** @param look takes what there is; gives the ms until the next look, and never rejects */
  constructor(look: () => Promise<number>) {
    this.#look = look;
  }

  /** A look may end early once this is so. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  wake(): void {
    this.#isWoken = true;
    if (this.#looking !== undefined || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#isWoken = false;
    this.#looking = this.#look().then((pauseMs) => {
      this.#looking = undefined;
      if (this.#isClosed) return;
      if (this.#isWoken) this.wake();
      else this.#timer = setTimeout(() => this.wake(), pauseMs);
    });
  }

  /** When the present look is over, or at once. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  /** No look begins any more; the present one is waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }
}
