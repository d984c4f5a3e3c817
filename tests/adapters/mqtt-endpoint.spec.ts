import { connect as connectTcp } from "node:net";
import { once } from "node:events";
import { connectAsync } from "mqtt";
import type { IClientOptions, MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { describeWithServices } from "../support/platform.ts";
import { until } from "./support/until.ts";
import { openIntakeBench, readingOf, TESTER } from "./support/intake-bench.ts";
import type { Ingestor, IntakeBench } from "./support/intake-bench.ts";

await describeWithServices("the embedded MQTT endpoint", () => {
  let bench: IntakeBench;
  let ingestor: Ingestor;
  const clients: MqttClient[] = [];
  beforeAll(async () => {
    bench = await openIntakeBench("mqtt");
    ingestor = await bench.startIngestor();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  });
  afterAll(() => bench.close());

  async function open(options: IClientOptions = {}): Promise<MqttClient> {
    const url = `mqtt://127.0.0.1:${ingestor.mqttPort}`;
    const client = await connectAsync(url, { reconnectPeriod: 0, connectTimeout: 5_000, ...options });
    client.on("error", () => undefined);
    clients.push(client);
    return client;
  }
  const publish = (client: MqttClient, topic: string, body: unknown, qos: 0 | 1 | 2 = 1) =>
    client.publishAsync(topic, typeof body === "string" ? body : JSON.stringify(body), { qos });
  const closeOf = (client: MqttClient) =>
    new Promise<void>((resolve) => client.once("close", () => resolve()));
  const ofAsset = async (asset: string): Promise<number> =>
    (
      await bench.sql<{ n: number }>(
        `select count(*)::int as n from aura.readings join aura.reading_series using (series_key)
           join aura.assets using (asset_key) where asset_id = $1`,
        [asset],
      )
    )[0]?.n ?? 0;
  const { time, values } = readingOf("x", 0);

  it.each([3, 4, 5] as const)(
    "acknowledges what is stored, over protocol level %i",
    async (protocolVersion) => {
      const client = await open({
        protocolVersion,
        ...(protocolVersion === 3 ? { protocolId: "MQIsdp" } : {}),
      });
      const asset = `level-${protocolVersion}`;
      await publish(client, `aura/pumps/${asset}`, { time, ...values });
      expect(await ofAsset(asset)).toBe(1);
      await publish(
        client,
        `aura/pumps/${asset}`,
        [1, 2, 3].map((n) => readingOf(asset, n)),
        2,
      );
      expect(await ofAsset(asset)).toBe(4);
      await publish(client, "aura/pumps", { source: "pumps", readings: [readingOf(asset, 9)] });
      expect(await ofAsset(asset)).toBe(5);
      await publish(client, `aura/pumps/${asset}`, { time: readingOf("x", 10).time, values }, 0);
      await until(
        () => ofAsset(asset),
        (count) => count === 6,
      );
      await publish(client, `aura/pumps/${asset}`, { time, ...values });
      expect(await ofAsset(asset)).toBe(6);
      expect(await bench.letters()).toEqual([]);
    },
  );

  it("sets aside what is no reading, or names another asset than its topic, and acknowledges it", async () => {
    const client = await open();
    await publish(client, "aura/pumps/m1", "{broken");
    await publish(client, "aura/pumps/m1", readingOf("m2", 0));
    await publish(client, "aura/pumps/m1", { device: "m2", time, values });
    await publish(client, "aura/pumps/m1", { pressure: 3 });
    expect((await bench.letters()).map(({ code }) => code)).toEqual([
      "not_a_reading",
      "bad_asset",
      "bad_asset",
      "bad_time",
    ]);
    await bench.sql("delete from aura.dead_letters");
  });

  it("lists a thousand poison messages in a row, and others' readings do not wait for them", async () => {
    const [poisoned, good] = [await open({ clientId: "poisoned" }), await open({ clientId: "good" })];
    const lags = async (count: number, from: number): Promise<number[]> => {
      const times: number[] = [];
      for (let n = from; n < from + count; n++) {
        const began = performance.now();
        await publish(good, "aura/pumps/good", { time: readingOf("x", n).time, values });
        times.push(performance.now() - began);
      }
      return times.toSorted((a, b) => a - b);
    };
    const alone = await lags(100, 0);
    const poison = Promise.all(
      Array.from({ length: 1_000 }, (_, n) => publish(poisoned, "aura/pumps/bad", `{poison ${n}`)),
    );
    const beside = await lags(100, 100);
    await poison;
    const letters = await bench.letters();
    expect(new Set(letters.map(({ body }) => body)).size).toBe(1_000);
    expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(["not_a_reading"]));
    // In the middle, and at the end where they share a commit with a few hundred of them.
    expect(beside[50]).toBeLessThan(Math.max(50, 3 * (alone[50] ?? 0)));
    expect(beside[99]).toBeLessThan(1_000);
    await bench.sql("delete from aura.dead_letters");
  });

  it("marks an asset by its last will, until it is heard of again", async () => {
    const will = { topic: "aura/pumps/w1", payload: Buffer.from("battery"), qos: 1 as const, retain: false };
    const stale = async () =>
      (await bench.db.staleAssets.list({ limit: 10 })).map(({ asset, reason }) => [asset, reason]);
    const device = await open({ will, clientId: "w1" });
    await publish(device, "aura/pumps/w1", { time, values });
    device.stream.destroy();
    await until(stale, (list) => JSON.stringify(list) === '[["w1","last will: battery"]]', 5_000);
    const again = await open({ will, clientId: "w1" });
    await publish(again, "aura/pumps/w1", { time: readingOf("x", 1).time, values });
    expect(await stale()).toEqual([]);
    await again.endAsync();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await stale()).toEqual([]);
  });

  it("lets the same device in anew and ends its old connection, without its will", async () => {
    const will = { topic: "aura/pumps/t1", payload: Buffer.from(""), qos: 1 as const, retain: false };
    const first = await open({ clientId: "t1", will });
    await publish(first, "aura/pumps/t1", { time, values });
    const ended = closeOf(first);
    const second = await open({ clientId: "t1", will });
    await ended;
    await publish(second, "aura/pumps/t1", { time: readingOf("x", 1).time, values });
    expect(await bench.db.staleAssets.list({ limit: 10 })).toEqual([]);
  });

  it.each([
    ["no readings of ours", "plant/p1"],
    ["an unknown source", "aura/none/p1"],
    ["a source that is no name", "aura/../p1"],
  ])("refuses the topic of %s: MQTT 5 says so, 3.1.1 ends", async (_, topic) => {
    const five = await open({ protocolVersion: 5 });
    await expect(publish(five, topic, { time, values })).rejects.toMatchObject({ code: 0x90 });
    await publish(five, "aura/pumps/still-there", { time, values });
    const four = await open();
    const ended = closeOf(four);
    four.publish(topic, "{}", { qos: 1 }, () => undefined);
    await ended;
  });

  it("refuses subscriptions", async () => {
    const client = await open({ protocolVersion: 5 });
    await expect(client.subscribeAsync("aura/#")).rejects.toThrow();
  });

  const raw = async (...chunks: readonly number[][]): Promise<number[]> => {
    const socket = connectTcp(ingestor.mqttPort, "127.0.0.1");
    const received: number[] = [];
    socket.on("data", (bytes) => received.push(...bytes));
    socket.on("error", () => undefined);
    await once(socket, "connect");
    const closed = once(socket, "close");
    for (const chunk of chunks) socket.write(Uint8Array.from(chunk));
    await Promise.race([
      closed,
      new Promise((_, reject) => setTimeout(() => reject(new Error("it was not closed")), 5_000)),
    ]);
    return received;
  };
  const CONNECT = [0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x61];
  const publishOf = (topic: string): number[] => {
    const bytes = [0, topic.length, ...Buffer.from(topic), 0, 1];
    return [0x32, bytes.length, ...bytes];
  };

  it.each<[string, number[][]]>([
    ["publish before connect", [publishOf("aura/pumps/p1")]],
    ["a length of 256 MB and three bytes", [CONNECT, [0x32, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]]],
    ["a length without an end", [CONNECT, [0x32, 0xff, 0xff, 0xff, 0xff, 0xff]]],
    ["256 MB before connect", [[0x10, 0xff, 0xff, 0xff, 0x7f]]],
    ["a publish with a wildcard", [CONNECT, publishOf("aura/+/p1")]],
    ["a publish with a hash", [CONNECT, publishOf("aura/#")]],
    ["a publish to nowhere", [CONNECT, publishOf("")]],
    ["two connects", [CONNECT, CONNECT]],
    ["what a server says", [CONNECT, [0x20, 2, 0, 0]]],
    ["a reserved packet", [[0x00, 0x00]]],
    ["HTTP", [[...Buffer.from("GET / HTTP/1.1\r\n\r\n")]]],
    ["QoS 3", [CONNECT, [0x36, 2, 0, 0]]],
    ["another protocol", [[0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x58, 4, 2, 0, 60, 0, 1, 0x61]]],
  ])("ends a connection that sends %s", async (_, chunks) => {
    await raw(...chunks);
    const client = await open();
    await publish(client, "aura/pumps/after", { time, values });
  });

  it("is killed under load again and again: what was acknowledged is stored, once", async () => {
    const acknowledged = new Set<number>();
    let next = 0;
    for (let kills = 0; kills < 5; kills++) {
      const client = await open({ clientId: "ledger" });
      const sent: Promise<unknown>[] = [];
      const enough = acknowledged.size + 400;
      let isRunning = true;
      client.on("close", () => (isRunning = false));
      const load = (async () => {
        while (isRunning) {
          const n = next++;
          sent.push(
            publish(client, "aura/pumps/ledger", { time: readingOf("x", n).time, values: { n } }).then(
              () => acknowledged.add(n),
              () => undefined,
            ),
          );
          if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      await until(
        async () => acknowledged.size,
        (size) => size >= enough,
      );
      await ingestor.kill();
      await load;
      client.end(true);
      await new Promise((resolve) => setTimeout(resolve, 50));
      ingestor = await bench.startIngestor();
    }
    const rows = await bench.sql<{ n: number; times: number }>(
      `select row_values[2]::int as n, count(*)::int as times from aura.readings join aura.reading_series using (series_key)
         join aura.assets using (asset_key) where asset_id = 'ledger' group by 1`,
    );
    const stored = new Set(rows.map(({ n }) => n));
    expect([...acknowledged].filter((n) => !stored.has(n))).toEqual([]);
    expect(rows.filter(({ times }) => times > 1)).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(2_000);
  });

  it("takes keys as passwords once there are keys, and a key of some sites below their assets alone", async () => {
    const audit = { actor: TESTER, action: "key.create", subject: "key/x", outcome: "ok" as const };
    const { secret: admin } = await bench.db.keys.create({ name: "all", role: "admin" }, audit);
    const { secret: viewer } = await bench.db.keys.create({ name: "eyes", role: "viewer" }, audit);
    const { secret, key } = await bench.db.keys.create(
      { name: "north", role: "operator", sites: ["north"] },
      audit,
    );
    await bench.sql("insert into aura.sites (site_id) values ('north'), ('south')");
    await bench.sql("insert into aura.assets (asset_id, site_id) values ('n1', 'north'), ('s1', 'south')");
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    await expect(open()).rejects.toMatchObject({ code: 4 });
    await expect(open({ username: "u", password: "wrong" })).rejects.toMatchObject({ code: 4 });
    await expect(open({ username: "u", password: viewer })).rejects.toMatchObject({ code: 5 });
    const all = await open({ username: "u", password: admin });
    await publish(all, "aura/pumps/s1", { time, values });
    const north = await open({ username: "u", password: secret, protocolVersion: 5 });
    await publish(north, "aura/pumps/n1", { time, values });
    await expect(publish(north, "aura/pumps/s1", { time, values })).rejects.toMatchObject({ code: 0x87 });
    await expect(publish(north, "aura/pumps/new", { time, values })).rejects.toMatchObject({ code: 0x87 });
    await expect(publish(north, "aura/pumps", { readings: [readingOf("s1", 1)] })).rejects.toMatchObject({
      code: 0x87,
    });
    await publish(north, "aura/pumps/n1", readingOf("s1", 5));
    expect(await ofAsset("s1")).toBe(1);
    const will = { topic: "aura/pumps/s1", payload: Buffer.from(""), qos: 1 as const, retain: false };
    await expect(open({ username: "u", password: secret, will })).rejects.toMatchObject({ code: 5 });
    await bench.db.keys.revoke(key.id, audit);
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    await expect(publish(north, "aura/pumps/n1", { time, values })).rejects.toMatchObject({ code: 0x87 });
  });
});
