import { AsyncLocalStorage } from "node:async_hooks";

type Release = () => Promise<void>;

const scopes = new AsyncLocalStorage<Release[]>();

/**
 * Runs work whose fetched files stay where they are until it ends, however long that takes: the cache evicts no file
 * that is in use, and a path says nothing about who still reads it.
 *
 * Scopes nest; a file that two scopes fetched stays until both have ended. What is fetched outside of any scope stays
 * until the process ends.
 */
export async function holdingFetched<T>(work: () => Promise<T>): Promise<T> {
  const releases: Release[] = [];
  try {
    return await scopes.run(releases, work);
  } finally {
    await Promise.all(releases.map((release) => release()));
  }
}

/** Has `release` called when the scope around the caller ends. */
export function whenScopeEnds(release: Release): void {
  scopes.getStore()?.push(release);
}
