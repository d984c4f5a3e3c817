import { Producer } from "@platformatic/kafka";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describeWithServices } from "../support/platform.ts";
import { kafkaJars } from "./support/cached-tools.ts";
import { until } from "./support/until.ts";
import { openIntakeBench, readingOf } from "./support/intake-bench.ts";
import type { IntakeBench } from "./support/intake-bench.ts";
import { startKafka } from "./support/kafka.ts";
import type { Kafka } from "./support/kafka.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const jars = await kafkaJars();
if ("missing" in jars) describe.skip("a Kafka cluster", () => it(`skipped: ${jars.missing}`));
else
  await describeWithServices("a Kafka cluster", () => {
    let folder: string;
    let kafka: Kafka;
    let bench: IntakeBench;
    let producer: Producer;
    let topic: string;
    let nTopics = 0;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "aura-kafka-"));
      kafka = await startKafka(jars.tool, folder);
    });
    afterAll(async () => {
      await kafka.stop();
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      bench = await openIntakeBench("kafka");
      topic = `pumps-${++nTopics}`;
      await kafka.createTopic(topic, 3);
      producer = new Producer({ clientId: "device", bootstrapBrokers: [kafka.broker] });
    });
    afterEach(async () => {
      await producer.close();
      await bench.close();
    });

    const feed = (more: object = {}) => ({
      name: "plant",
      source: "pumps",
      from: { kind: "kafka", brokers: [kafka.broker], topics: [topic], group: `group-${topic}`, ...more },
    });
    const send = (
      from: number,
      count: number,
      body: (n: number) => string = (n) => JSON.stringify(readingOf(`p${n % 7}`, n)),
    ) =>
      producer.send({
        messages: Array.from({ length: count }, (_, i) => ({
          topic,
          key: Buffer.from(`p${(from + i) % 7}`),
          value: Buffer.from(body(from + i)),
        })),
      });
    const countOnce = async () =>
      (
        await bench.sql<{ n: number; distinct: number }>(
          "select count(*)::int as n, count(distinct row_values[2])::int as distinct from aura.readings",
        )
      )[0];

    it("stores what is there and what comes, takes key and time where they are asked for, and tells the lag", async () => {
      await send(0, 2_000);
      await bench.startIngestor();
      await bench.putFeed(feed());
      await until(
        () => bench.stored(),
        (stored) => stored === 2_000,
      );
      await bench.putFeed({ ...feed(), reading: { asset: "$key", time: "$time", values: { n: "count" } } });
      await until(
        () => bench.db.feeds.get("plant"),
        (row) => row?.state === "running" && row.revision === 2,
      );
      await send(0, 1, () => JSON.stringify({ count: 5 }));
      await until(
        () => bench.stored(),
        (stored) => stored === 2_001,
      );
      expect(await bench.letters()).toEqual([]);
    });

    it("is killed under load again and again: everything is stored once", async () => {
      await bench.putFeed(feed());
      let sent = 0;
      let isLoading = true;
      const load = (async () => {
        while (isLoading) {
          await send(sent, 500);
          sent += 500;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      for (let kills = 0; kills < 4; kills++) {
        const ingestor = await bench.startIngestor();
        const before = await bench.stored();
        await until(
          () => bench.stored(),
          (stored) => stored > before + 1_000,
          90_000,
        );
        await ingestor.kill();
      }
      isLoading = false;
      await load;
      await bench.startIngestor();
      await until(
        () => bench.stored(),
        (stored) => stored >= sent,
        90_000,
      );
      expect(await countOnce()).toEqual({ n: sent, distinct: sent });
    });

    it("goes on when the broker was killed", async () => {
      await bench.startIngestor();
      await bench.putFeed(feed());
      await send(0, 500);
      await until(
        () => bench.stored(),
        (stored) => stored === 500,
      );
      await kafka.kill();
      await kafka.start();
      await send(500, 500);
      await until(
        () => bench.stored(),
        (stored) => stored === 1_000,
        100_000,
      );
      expect(await countOnce()).toEqual({ n: 1_000, distinct: 1_000 });
    });

    it("lists a thousand poison messages with their reasons, and stores what stands among them", async () => {
      await bench.startIngestor();
      await bench.putFeed(feed());
      await send(0, 1_000, (n) => `{poison ${n}`);
      await send(0, 100);
      await send(0, 100);
      await until(
        () => bench.stored(),
        (stored) => stored === 100,
      );
      await until(
        () => bench.letters(),
        (letters) => letters.length === 1_000,
      );
      expect(new Set((await bench.letters()).map(({ code }) => code))).toEqual(new Set(["not_a_reading"]));
    });

    it("says why it fails", async () => {
      await bench.startIngestor();
      await bench.putFeed(feed({ brokers: ["127.0.0.1:9"] }));
      const row = await until(
        () => bench.db.feeds.get("plant"),
        (one) => one?.state === "failing",
      );
      expect(row?.reason).toContain("source_unavailable: Kafka:");
    });
  });
