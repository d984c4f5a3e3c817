import { expect, it } from "vitest";
import { manifestOf, pipelineOf } from "../features/support/test-dataset.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { onlineSettings } from "../schemas/pipeline/online.ts";
import { bindSource } from "./binding.ts";
import { featureHistory } from "./feature-history.ts";
import type { LiveModel } from "./live-model.ts";
import { MemoryReadings } from "./support/memory-readings.ts";

const SOURCE_KEY = 4;
const sources = {
  readings: { timeKind: "timestamp" as const, columns: [{ name: "x", type: "float" as const }], rows: [] },
};
const modelOf = (features: readonly object[]): LiveModel => {
  const view = compileView(pipelineOf(sources, { features }), manifestOf(sources));
  const document = liveSourceSchema.parse({ name: "pumps", owner: "test", columns: [{ name: "x" }] });
  return {
    model: "pumps",
    version: 1,
    digest: "d".repeat(64),
    view,
    fitted: {},
    binding: bindSource(view, { sourceKey: SOURCE_KEY, document }),
    online: onlineSettings(undefined),
    contextOf: () => ({}),
  };
};
const LIFELONG = modelOf([
  { expanding: { columns: ["x"], stats: ["mean"] } },
  { rolling: { stats: ["sum"], windows: [3] } },
]);

it("gives many times of an asset in one pass for each of its lives, as it gives each by itself", async () => {
  const store = new MemoryReadings();
  const [second, nReadings, perLife] = [1_000_000, 60, 20];
  const readings = Array.from({ length: nReadings }, (_, i) => ({
    asset: i % 2 === 0 ? "a" : "b",
    sourceKey: SOURCE_KEY,
    epoch: Math.floor(i / perLife),
    ts: i * second,
    seq: 0,
    values: [(i * 7) % 11],
  }));
  store.commit(readings);
  const rows = Array.from({ length: 80 }, (_, i) => ({
    asset: ["a", "b", "nobody"][i % 3] as string,
    // Not in their order, some before the first reading, some at one, some between.
    time: new Date(((i * 37) % 80) * 800 - 2_000).toISOString(),
  }));
  const whole = await featureHistory(store, LIFELONG, { rows });
  expect(store.nReplays).toBeLessThanOrEqual(2 * 4 + 1);
  const each = [];
  for (const row of rows) each.push(...(await featureHistory(store, LIFELONG, { rows: [row] })).rows);
  expect(whole.rows).toEqual(each);
  const asked = { rows, signal: AbortSignal.abort() };
  await expect(featureHistory(store, LIFELONG, asked)).rejects.toThrow("aborted");
  expect(new Set(whole.rows.map(({ epoch }) => epoch))).toEqual(new Set([null, 0, 1, 2]));
});
