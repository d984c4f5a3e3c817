/** Entries beyond this many make the older ones forgotten. */
const MAX_REMEMBERED = 200_000;

export interface BatchedLookupOptions<V> {
  /** Asks for all keys at once; those that are not there are absent. */
  readonly ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>;
  /** ms after which a found value is asked for again; default: never. */
  readonly foundMs?: number;
  /** ms after which a missing one is. */
  readonly missingMs: number;
}

/** A lookup that remembers what it found, and for a while what was not there. */
export class BatchedLookup<V> {
  readonly #options: BatchedLookupOptions<V>;
  readonly #known = new Map<string, { readonly value: V | null; readonly until: number }>();

  constructor(options: BatchedLookupOptions<V>) {
    this.#options = options;
  }

  /** @returns every key with its value; null: there is none */
  async get(keys: Iterable<string>): Promise<ReadonlyMap<string, V | null>> {
    const now = Date.now();
    const found = new Map<string, V | null>();
    const missing: string[] = [];
    for (const key of new Set(keys)) {
      const known = this.#known.get(key);
      if (known !== undefined && known.until > now) found.set(key, known.value);
      else missing.push(key);
    }
    if (missing.length === 0) return found;
    const answers = await this.#options.ask(missing);
    // What this call found is in its own map: forgetting takes nothing from it.
    if (this.#known.size + missing.length > MAX_REMEMBERED) this.#known.clear();
    const { foundMs = Infinity, missingMs } = this.#options;
    for (const key of missing) {
      const value = answers.get(key) ?? null;
      found.set(key, value);
      this.#known.set(key, { value, until: now + (value === null ? missingMs : foundMs) });
    }
    return found;
  }
}
