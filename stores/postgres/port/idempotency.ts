export interface IdempotencyStore {
  /** Runs `work` once per (actor, route, key); a repeat with the same body hash returns the stored reply. */
  once<T>(
    k: { actor: string; route: string; key: string; bodyHash: string },
    work: () => Promise<{ status: number; body: T }>,
  ): Promise<{ status: number; body: T; replayed: boolean }>;
}
