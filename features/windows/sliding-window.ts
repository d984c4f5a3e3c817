/**
 * A sliding window over a combinable aggregate, by two stacks: new items are folded into a running aggregate, old
 * ones sit in a stack of suffix aggregates; when that is empty the new items are turned over once.
 *
 * Nothing is ever subtracted, so errors do not build up however long the series. O(1) amortised per push,
 * O(window) memory. Source: Tangwongsan, Hirzel & Schneider 2017 (doi:10.1145/3093742.3093925), "two-stacks".
 */
export class SlidingWindow<A> {
  readonly #combine: (older: A, newer: A) => A;
  readonly #empty: A;
  /** Oldest last; each entry aggregates itself and everything newer in this stack. */
  #old: Entry<A>[] = [];
  #new: Entry<A>[] = [];
  #newTotal: A;

  constructor(empty: A, combine: (older: A, newer: A) => A) {
    this.#empty = empty;
    this.#combine = combine;
    this.#newTotal = empty;
  }

  /** Adds an item; keys must not fall. */
  push(key: number, value: A): void {
    this.#new.push({ key, value });
    this.#newTotal = this.#combine(this.#newTotal, value);
  }

  /** Forgets the items with a key below `least`. */
  evictBelow(least: number): void {
    for (;;) {
      if (this.#old.length === 0) this.#turnOver();
      const oldest = this.#old.at(-1);
      if (oldest === undefined || oldest.key >= least) return;
      this.#old.pop();
    }
  }

  /** Aggregate of everything in the window, oldest first. */
  total(): A {
    const oldest = this.#old.at(-1);
    return oldest === undefined ? this.#newTotal : this.#combine(oldest.value, this.#newTotal);
  }

  #turnOver(): void {
    let suffix = this.#empty;
    for (let i = this.#new.length - 1; i >= 0; i--) {
      const entry = this.#new[i];
      if (entry === undefined) continue;
      suffix = this.#combine(entry.value, suffix);
      this.#old.push({ key: entry.key, value: suffix });
    }
    this.#new = [];
    this.#newTotal = this.#empty;
  }
}

interface Entry<A> {
  readonly key: number;
  readonly value: A;
}
