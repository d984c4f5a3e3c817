import type { ObjectStore } from "./port.ts";

/**
 * A store whose puts are announced first: what housekeeping has queued of them then stays.
 *
 * @param announce  returns once nobody deletes the key any more; what it throws ends the put
 */
export function announcePuts(store: ObjectStore, announce: (key: string) => Promise<void>): ObjectStore {
  return {
    root: store.root,
    async put(key, bytes) {
      await announce(key);
      return store.put(key, bytes);
    },
    async putFile(key, path) {
      await announce(key);
      return store.putFile(key, path);
    },
    get: (ref, maxBytes) => store.get(ref, maxBytes),
    fetch: (ref) => store.fetch(ref),
    head: (key) => store.head(key),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
    probe: () => store.probe(),
  };
}
