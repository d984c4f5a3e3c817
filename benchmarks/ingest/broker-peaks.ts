import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Producer } from "@platformatic/kafka";
import { kafkaJars } from "../../tests/adapters/support/cached-tools.ts";
import { startKafka } from "../../tests/adapters/support/kafka.ts";
import { publishAll } from "../load/mqtt-publisher.ts";
import type { IngestPlatform } from "./ingest-platform.ts";
import { messagesOf, SOURCE } from "./reading-bodies.ts";

const MQTT_CONNECTIONS = 16;
/** More than can be acknowledged in that time. */
const MOST_MQTT = 40_000;
const WARM_SECONDS = 1;
const PARTITIONS = 4;
const SEND_ROWS = 2_000;
const POLL_MS = 50;
const DRAIN_WITHIN_MS = 300_000;

/** Readings as messages of their own to the embedded endpoint; an acknowledged one is committed. @returns readings/s */
export async function mqttPeak(
  { mqttPort }: IngestPlatform,
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
): Promise<number> {
  const publish = (from: number, to: number, lasting: number) => {
    const messages = readings.slice(from, to).map(({ asset, ...reading }) => ({
      topic: `aura/${SOURCE}/${asset}`,
      payload: JSON.stringify(reading),
    }));
    return publishAll(mqttPort, messages, { connections: MQTT_CONNECTIONS, seconds: lasting });
  };
  const readings = messagesOf({ n: MOST_MQTT * (seconds + WARM_SECONDS), prefix: "mqtt-", seed });
  // The endpoint has not had a message yet: its code is cold, and none of the assets is known.
  await publish(0, MOST_MQTT * WARM_SECONDS, WARM_SECONDS);
  const { acknowledged, seconds: took } = await publish(MOST_MQTT * WARM_SECONDS, readings.length, seconds);
  return acknowledged / took;
}

/**
 * Readings as messages of their own that wait in a real Kafka, from the moment the first is stored until all are.
 *
 * @returns readings/s, or why there is no Kafka here
 */
export async function kafkaPeak(
  platform: IngestPlatform,
  { n, seed, scratch }: { readonly n: number; readonly seed: number; readonly scratch: string },
): Promise<number | { readonly missing: string }> {
  const jars = await kafkaJars();
  if ("missing" in jars) return jars;
  const folder = join(scratch, "kafka");
  mkdirSync(folder, { recursive: true });
  const kafka = await startKafka(jars.tool, folder);
  try {
    await kafka.createTopic("bench", PARTITIONS);
    await produce(kafka.broker, { n, seed });
    const before = await committed(platform);
    await putFeed(platform, kafka.broker);
    const deadline = performance.now() + DRAIN_WITHIN_MS;
    const reach = async (goal: number): Promise<{ at: number; n: number }> => {
      for (;;) {
        const stored = (await committed(platform)) - before;
        if (stored >= goal) return { at: performance.now(), n: stored };
        if (performance.now() > deadline)
          throw new Error(`Kafka: expected ${goal} readings stored, got ${stored} in ${DRAIN_WITHIN_MS} ms`);
        await sleep(POLL_MS);
      }
    };
    const first = await reach(1);
    const last = await reach(n);
    return ((n - first.n) / (last.at - first.at)) * 1_000;
  } finally {
    await fetch(`${platform.apiUrl}/v1/feeds/${FEED}`, { method: "DELETE" });
    await kafka.stop();
  }
}

const FEED = "bench-kafka";

async function produce(
  broker: string,
  { n, seed }: { readonly n: number; readonly seed: number },
): Promise<void> {
  const producer = new Producer({ clientId: "bench", bootstrapBrokers: [broker] });
  const readings = messagesOf({ n, prefix: "kafka-", seed });
  try {
    for (let i = 0; i < n; i += SEND_ROWS) {
      const messages = readings.slice(i, i + SEND_ROWS).map((reading) => ({
        topic: "bench",
        key: Buffer.from(reading.asset),
        value: Buffer.from(JSON.stringify(reading)),
      }));
      await producer.send({ messages });
    }
  } finally {
    await producer.close();
  }
}

async function putFeed({ apiUrl }: IngestPlatform, broker: string): Promise<void> {
  const response = await fetch(`${apiUrl}/v1/feeds/${FEED}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      name: FEED,
      source: SOURCE,
      from: { kind: "kafka", brokers: [broker], topics: ["bench"], group: "bench" },
    }),
  });
  if (!response.ok) throw new Error(`feed: ${response.status} ${await response.text()}`);
}

/** Readings stored by all commits: cheap beside counting the rows themselves. */
async function committed({ database }: IngestPlatform): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    "select coalesce(sum(n_stored), 0)::float8 as n from aura.reading_batches",
  );
  return rows[0]?.n ?? 0;
}
