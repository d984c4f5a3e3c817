import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OnlineFeatures } from "../../schemas/live/online-features.ts";
import { openRedisFeatureCache } from "../../stores/redis/feature-cache.ts";
import { openOnlineBench } from "../support/online-bench.ts";
import type { OnlineBench } from "../support/online-bench.ts";
import { describeWithServices } from "../support/platform.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "./support/until.ts";

const SERVER = "/usr/bin/redis-server";

/** A Redis without a file, on a free port. */
async function startRedis(port: number): Promise<() => Promise<void>> {
  const server = spawn(
    SERVER,
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    {
      stdio: "ignore",
    },
  );
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  return async () => {
    server.kill("SIGKILL");
    await ended;
  };
}

if (!existsSync(SERVER)) describe.skip("a Redis", () => it(`skipped: there is no ${SERVER}`));
else
  await describeWithServices("features by way of a Redis", () => {
    let bench: OnlineBench;
    let stopRedis: () => Promise<void>;
    let port: number;
    let url: string;
    beforeAll(async () => {
      bench = await openOnlineBench("redis");
      port = await freePort();
      url = `redis://127.0.0.1:${port}`;
      stopRedis = await startRedis(port);
    });
    afterAll(async () => {
      await bench.close();
      await stopRedis();
    });

    it("answers of the newest features while no scorer does, and without Redis as if there were none", async () => {
      const scorer = await bench.startScorer({ REDIS_URL: url });
      await bench.send("p1", { voltage: 3, current: 4 });
      const cache = openRedisFeatureCache(url, () => undefined);
      await until(
        () => cache.get("pump", "p1"),
        (entry) => entry?.features.features[0]?.value === 3,
      );
      await bench.send("p1", { voltage: 5, current: 4 });
      await until(
        () => cache.get("pump", "p1"),
        (entry) => entry?.features.features[0]?.value === 5,
      );
      await scorer.close();
      // An API that never heard of the asset.
      const api = await bench.startApi({ REDIS_URL: url });
      const read = async () =>
        (await api.request("/v1/features/p1?model=pump")).json() as Promise<OnlineFeatures>;
      await until(read, (reply) => reply.asset === "p1");
      const reply = await read();
      expect(reply.features.map(({ value }) => value)).toEqual([5, 4]);
      expect(reply.warnings).toEqual([expect.stringContaining("no scorer answers")]);
      const predict = () =>
        api.request("/predict", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ asset: "p1", model: "pump" }),
        });
      const predicted = await until(predict, ({ status }) => status !== 409);
      expect(await predicted.json()).toMatchObject({ predictions: [{ asset: "p1", value: 15 }] });
      await stopRedis();
      expect(await cache.get("pump", "p1")).toBeUndefined();
      // This process remembers its own answers; an asset it never asked for is not to be had.
      expect((await read()).features.map(({ value }) => value)).toEqual([5, 4]);
      expect((await api.request("/v1/features/p2?model=pump")).status).toBe(503);
      const again = await bench.startScorer({ REDIS_URL: url });
      await until(read, ({ warnings }) => warnings.length === 0);
      // The server comes back; what is new is in it.
      stopRedis = await startRedis(port);
      for (let value = 7; (await cache.get("pump", "p1"))?.features.features[0]?.value !== value;) {
        await bench.send("p1", { voltage: ++value, current: 4 }, Date.now() + 1_000 * (value - 7));
        await until(read, ({ features }) => features[0]?.value === value);
        await new Promise((resolve) => setTimeout(resolve, 300));
        if (value > 40) throw new Error("the cache does not follow");
      }
      await cache.close();
      await again.close();
      await api.close();
    });
  });
