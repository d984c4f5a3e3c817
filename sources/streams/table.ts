import type { FeedKind } from "../../schemas/live/feed-origin.ts";
import type { StreamAdapter } from "./stream.ts";

type AdapterTable = { readonly [K in FeedKind]: () => Promise<StreamAdapter<K>> };

/** Every kind of feed. Each is loaded when the first feed of it runs: most processes need one or two. */
const ADAPTERS: AdapterTable = {
  mqtt: async () => (await import("./mqtt/mqtt-adapter.ts")).mqttAdapter,
  folder: async () => (await import("./folder/folder-adapter.ts")).folderAdapter,
};

/** The adapter of a kind. */
export function streamAdapter<K extends FeedKind>(kind: K): Promise<StreamAdapter<K>> {
  return ADAPTERS[kind]();
}
