import { Histogram, Registry } from "prom-client";
import { expect, it } from "vitest";
import { PlatformSampler } from "./platform-sampler.ts";

it("writes the mean since the last time, and nothing where nothing happened", async () => {
  const registry = new Registry();
  const lag = new Histogram({
    name: "ingestor_batch_lag_seconds",
    help: "h",
    labelNames: ["source"] as const,
    registers: [registry],
  });
  const put: [string, number][] = [];
  const sampler = new PlatformSampler({
    registry,
    everyMs: 3_600_000,
    put: async (metric, value) => void put.push([metric, value]),
  });
  lag.observe({ source: "a" }, 1);
  lag.observe({ source: "b" }, 3);
  await sampler.sample();
  await sampler.sample();
  lag.observe({ source: "b" }, 8);
  await sampler.sample();
  sampler.close();
  expect(put).toEqual([
    ["ingest_lag_seconds", 2],
    ["ingest_lag_seconds", 8],
  ]);
});
