import type { FeedKind } from "../../schemas/live/feed-origin.ts";
import type { StreamAdapter } from "./stream.ts";

type AdapterTable = { readonly [K in FeedKind]: () => Promise<StreamAdapter<K>> };

/** Every kind of feed. Each is loaded when the first feed of it runs: most processes need one or two. */
const ADAPTERS: AdapterTable = {
  mqtt: async () => (await import("./mqtt/mqtt-adapter.ts")).mqttAdapter,
  folder: async () => (await import("./folder/folder-adapter.ts")).folderAdapter,
  http: async () => (await import("./http/http-adapter.ts")).httpAdapter,
  postgres: async () => (await import("./postgres/postgres-adapter.ts")).postgresAdapter,
  kafka: async () => (await import("./kafka/kafka-adapter.ts")).kafkaAdapter,
  kinesis: async () => (await import("./kinesis/kinesis-adapter.ts")).kinesisAdapter,
};

/** The adapter of a kind. */
export function streamAdapter<K extends FeedKind>(kind: K): Promise<StreamAdapter<K>> {
  return ADAPTERS[kind]();
}
