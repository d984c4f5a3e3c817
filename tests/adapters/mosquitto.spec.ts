import { connectAsync } from "mqtt";
import type { MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeWithServices } from "../support/platform.ts";
import { until } from "./support/until.ts";
import { openIntakeBench, readingOf } from "./support/intake-bench.ts";
import type { IntakeBench } from "./support/intake-bench.ts";
import { noMosquitto, startMosquitto } from "./support/mosquitto.ts";
import type { Mosquitto } from "./support/mosquitto.ts";

/** Messages that were sent and are not stored; more than a round waits for. */
const MOST_BEHIND = 2_000;

if (noMosquitto !== undefined) describe.skip("a Mosquitto broker", () => it(`skipped: ${noMosquitto}`));
else
  await describeWithServices("a Mosquitto broker", () => {
    let bench: IntakeBench;
    let broker: Mosquitto;
    let device: MqttClient;
    beforeEach(async () => {
      bench = await openIntakeBench("mosquitto");
      broker = await startMosquitto(bench.folder);
      device = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
        clientId: "device",
        clean: false,
        reconnectPeriod: 100,
      });
      device.on("error", () => undefined);
    });
    afterEach(async () => {
      await device.endAsync(true);
      await bench.close();
      await broker.stop();
    });

    const feed = (more: object = {}) => ({
      name: "plant",
      source: "pumps",
      from: { kind: "mqtt", url: `mqtt://127.0.0.1:${broker.port}`, topics: ["plant/+/pumps"], ...more },
      reading: { asset: "$topic.2" },
    });
    const isRunning = () =>
      until(
        () => bench.db.feeds.get("plant"),
        (row) => row?.state === "running",
      );
    const send = (n: number, body: unknown = flat(n)) =>
      device.publishAsync("plant/p1/pumps", typeof body === "string" ? body : JSON.stringify(body), {
        qos: 1,
      });
    const flat = (n: number) => {
      const { time, values } = readingOf("", n);
      return { time, ...values };
    };

    it.each(["3.1.1", "5"])(
      "stores what comes while it runs and what came while it was away, MQTT %s",
      async (version) => {
        const ingestor = await bench.startIngestor();
        await bench.putFeed(feed({ version }));
        await isRunning();
        await Promise.all(Array.from({ length: 200 }, (_, n) => send(n)));
        await until(
          () => bench.stored(),
          (stored) => stored === 200,
        );
        await ingestor.stop();
        await Promise.all(Array.from({ length: 200 }, (_, n) => send(200 + n)));
        await bench.startIngestor();
        await until(
          () => bench.stored(),
          (stored) => stored === 400,
        );
        expect(await bench.letters()).toEqual([]);
      },
    );

    it("lists a thousand poison messages with their reasons, and good ones among them are stored", async () => {
      await bench.startIngestor();
      await bench.putFeed(feed());
      await isRunning();
      const began = performance.now();
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => send(n, `{poison ${n}`)));
      await send(1);
      await until(
        () => bench.stored(),
        (stored) => stored === 1,
      );
      expect(performance.now() - began).toBeLessThan(20_000);
      const letters = await bench.letters();
      expect(letters).toHaveLength(1_000);
      expect(new Set(letters.map(({ body }) => body)).size).toBe(1_000);
      expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(["not_a_reading"]));
    });

    it("is killed with the feed under load, and the broker restarted: what the broker took is stored once", async () => {
      await bench.putFeed(feed());
      let ingestor = await bench.startIngestor();
      await isRunning();
      const taken = new Set<number>();
      let next = 0;
      let isLoading = true;
      const load = (async () => {
        while (isLoading) {
          const n = next++;
          void send(n).then(
            () => taken.add(n),
            () => undefined,
          );
          if (n % 20 > 0) continue;
          // Mosquitto has twenty messages on their way at once: what a device sends as fast as it can takes minutes to go through.
          do await new Promise((resolve) => setTimeout(resolve, 5));
          while (isLoading && next > (await bench.stored()) + MOST_BEHIND);
        }
      })();
      for (let round = 0; round < 3; round++) {
        const before = await bench.stored();
        await until(
          () => bench.stored(),
          (stored) => stored > before + 300,
        );
        await ingestor.kill();
        if (round === 1) await broker.restart();
        ingestor = await bench.startIngestor();
      }
      isLoading = false;
      await load;
      await until(
        async () => taken.size,
        (size) => size === next,
      );
      await until(
        () => bench.stored(),
        (stored) => stored >= taken.size,
      );
      const [row] = await bench.sql<{ n: number; distinct: number }>(
        "select count(*)::int as n, count(distinct row_values[2])::int as distinct from aura.readings",
      );
      expect(row).toEqual({ n: next, distinct: next });
    });

    it("cannot give back what the broker acknowledged and lost, and the ledger sees it", async () => {
      // The proof of the harness: a broker that acknowledges before anything is stored, and is killed.
      const ingestor = await bench.startIngestor();
      await bench.putFeed(feed());
      await isRunning();
      await ingestor.stop();
      const acknowledged: number[] = [];
      await Promise.all(Array.from({ length: 500 }, (_, n) => send(n).then(() => acknowledged.push(n))));
      await broker.crash();
      await bench.startIngestor();
      await isRunning();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(acknowledged).toHaveLength(500);
      expect(await bench.stored()).toBe(0);
    });

    it("says why it fails, and goes on when the broker is there again", async () => {
      await bench.startIngestor();
      await broker.stop();
      await bench.putFeed(feed());
      const failing = await until(
        () => bench.db.feeds.get("plant"),
        (row) => row?.state === "failing",
      );
      expect(failing?.reason).toContain("source_unavailable");
      await broker.restart().catch(() => undefined);
      await isRunning();
    });
  });
