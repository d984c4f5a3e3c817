import { PlatformError } from "../schemas/platform-error.ts";

export interface GroupCommitOptions<T, R> {
  /** Commits all of them; results are in their order. */
  readonly commit: (items: readonly T[]) => Promise<readonly R[]>;
  readonly sizeOf: (item: T) => number;
  /** Sizes together that may wait. */
  readonly maxWaiting: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly size: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Sizes together that one commit takes: enough to be fast, and few enough that the last one does not wait long. */
const MAX_GROUP = 20_000;

/**
 * Commits what arrives while a commit runs together with the next one.
 *
 * The first waits for nothing, so at low load a commit holds one item; under load it holds all that came meanwhile.
 * Items keep their order. When a commit fails all its items do, and the next commit begins anew.
 */
export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>;
  readonly #waiting: Waiting<T, R>[] = [];
  #nWaiting = 0;
  #isRunning = false;

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options;
  }

  /** Sizes together that wait or are being committed. */
  get nWaiting(): number {
    return this.#nWaiting;
  }

  /** @throws {PlatformError} too_many_readings while too much waits */
  requireRoom(): void {
    if (this.#nWaiting < this.#options.maxWaiting) return;
    throw new PlatformError(
      "too_many_readings",
      `take readings: ${this.#nWaiting} wait for their commit already`,
    );
  }

  /** @returns the result of the commit that held it */
  add(item: T): Promise<R> {
    const size = this.#options.sizeOf(item);
    this.#nWaiting += size;
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, size, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) await this.#commitGroup(this.#takeGroup());
    this.#isRunning = false;
  }

  #takeGroup(): Waiting<T, R>[] {
    let size = 0;
    let n = 0;
    while (n < this.#waiting.length && (n === 0 || size < MAX_GROUP)) size += this.#waiting[n++]?.size ?? 0;
    return this.#waiting.splice(0, n);
  }

  async #commitGroup(group: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#options.commit(group.map(({ item }) => item));
      group.forEach(({ resolve }, i) => resolve(results[i] as R));
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      for (const { size } of group) this.#nWaiting -= size;
    }
  }
}
