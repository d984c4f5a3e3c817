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
  readonly sender: string;
  readonly size: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Items that were served and still stand before those that wait. */
const MOST_SERVED = 1_000;
/** What one sender may have of the room: half of it is there for the others. */
const MAX_SHARE = 0.5;
/** Sizes together that one commit takes: enough to be fast, and few enough that the last one does not wait long. */
const MAX_GROUP = 20_000;

/**
 * Commits what arrives while a commit runs together with the next one.
 *
 * The first waits for nothing, so at low load a commit holds one item; under load it holds all that came meanwhile.
 * Senders take turns: one that sends more than is committed waits behind its own, and the others do not wait behind it.
 * Items of a sender keep their order. When a commit fails all its items do, and the next commit begins anew.
 */
export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>;
  /** By sender; the next one's turn comes first. */
  readonly #queues = new Map<string, { readonly items: Waiting<T, R>[]; next: number }>();
  #nWaiting = 0;
  readonly #nWaitingOf = new Map<string, number>();
  #isRunning = false;

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options;
  }

  /** Sizes together that wait or are being committed. */
  get nWaiting(): number {
    return this.#nWaiting;
  }

  /** @throws {PlatformError} too_many_readings while too much waits, of all or of this sender */
  requireRoom(sender: string): void {
    const { maxWaiting } = this.#options;
    const own = this.#nWaitingOf.get(sender) ?? 0;
    if (this.#nWaiting < maxWaiting && own < maxWaiting * MAX_SHARE) return;
    throw new PlatformError(
      "too_many_readings",
      `take readings: ${this.#nWaiting} wait for their commit already, ${own} of them of this sender`,
    );
  }

  /** @returns the result of the commit that held it */
  add(sender: string, item: T): Promise<R> {
    const size = this.#options.sizeOf(item);
    this.#count(sender, size);
    return new Promise<R>((resolve, reject) => {
      const waiting = { item, sender, size, resolve, reject };
      const queue = this.#queues.get(sender);
      if (queue === undefined) this.#queues.set(sender, { items: [waiting], next: 0 });
      else queue.items.push(waiting);
      if (!this.#isRunning) void this.#run();
    });
  }

  #count(sender: string, size: number): void {
    this.#nWaiting += size;
    const own = (this.#nWaitingOf.get(sender) ?? 0) + size;
    if (own > 0) this.#nWaitingOf.set(sender, own);
    else this.#nWaitingOf.delete(sender);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#queues.size > 0) await this.#commitGroup(this.#takeGroup());
    this.#isRunning = false;
  }

  #takeGroup(): Waiting<T, R>[] {
    const group: Waiting<T, R>[] = [];
    for (let size = 0; size < MAX_GROUP;) {
      const [turn] = this.#queues;
      if (turn === undefined) break;
      const [sender, queue] = turn;
      const first = queue.items[queue.next++] as Waiting<T, R>;
      // A queue that is never empty is cut now and then, rather than with each item.
      if (queue.next > MOST_SERVED) {
        queue.items.splice(0, queue.next);
        queue.next = 0;
      }
      // To the end of the line.
      this.#queues.delete(sender);
      if (queue.next < queue.items.length) this.#queues.set(sender, queue);
      group.push(first);
      size += first.size;
    }
    return group;
  }

  async #commitGroup(group: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#options.commit(group.map(({ item }) => item));
      group.forEach(({ resolve }, i) => resolve(results[i] as R));
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      for (const { sender, size } of group) this.#count(sender, -size);
    }
  }
}
