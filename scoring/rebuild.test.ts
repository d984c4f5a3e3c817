/** A series that was rebuilt from its newest readings goes on as the one that saw all of them. */
import { describe, expect, it } from "vitest";
import { manifestOf, pipelineOf } from "../features/support/test-dataset.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { onlineSettings } from "../schemas/pipeline/online.ts";
import { AssetSeries } from "./asset-series.ts";
import { FeatureEngine } from "./feature-engine.ts";
import { bindSource } from "./binding.ts";
import type { LiveModel } from "./live-model.ts";
import { replayDepth } from "./replay-depth.ts";
import { MemoryReadings } from "./support/memory-readings.ts";

const HALF_LIFE = 2.5;
const FORGOTTEN = 64 * HALF_LIFE;

const sources = {
  readings: { timeKind: "timestamp" as const, columns: [{ name: "x", type: "float" as const }], rows: [] },
};
const view = compileView(
  pipelineOf(sources, { features: [{ exponential: { halfLives: [HALF_LIFE] } }] }),
  manifestOf(sources),
);
const document = liveSourceSchema.parse({ name: "pumps", owner: "test", columns: [{ name: "x" }] });
const MODEL: LiveModel = {
  model: "pumps",
  version: 1,
  digest: "d".repeat(64),
  view,
  fitted: {},
  binding: bindSource(view, { sourceKey: 4, document }),
  online: onlineSettings(undefined),
  contextOf: () => ({}),
};

/** Levels that are far apart, so that what an old one weighs is seen; then nothing for a while. */
function readings(n: number, nSilent: number) {
  return Array.from({ length: n }, (_, i) => ({
    epoch: 0,
    ts: i + 1,
    seq: 0,
    values: [i >= n - nSilent ? null : 1e6 * Math.sin(i / 40) + Math.cos(i)],
  }));
}

function lastRow(of: ReturnType<typeof readings>): readonly number[] {
  const series = new AssetSeries(MODEL, "p1");
  for (const reading of of) series.push(reading);
  return [...series.row];
}

describe("an exponential mean after a rebuild", () => {
  const depth = replayDepth(MODEL).readings;
  const silences = [0, 40, 85, 86, 100, 130, FORGOTTEN - 1, FORGOTTEN, FORGOTTEN + 60];
  it.each(silences)("is the same where the sensor was silent for %i readings", (nSilent) => {
    // Wherever in the life the newest readings begin.
    for (const n of [700, 741, 803, 899]) {
      const all = readings(n, nSilent);
      const [whole = NaN] = lastRow(all);
      const [rebuilt = NaN] = lastRow(all.slice(-depth));
      expect(Number.isNaN(whole)).toBe(nSilent >= FORGOTTEN);
      if (nSilent < FORGOTTEN) expect(Math.abs(rebuilt - whole)).toBeLessThanOrEqual(1e-9 * Math.abs(whole));
      else expect(rebuilt).toBeNaN();
    }
  });
});

describe("a rebuild where most readings are out of range", () => {
  const windows = [{ rolling: { stats: ["sum"], windows: [30] } }];
  it.each([
    ["windows", windows],
    ["windows and whole lives", [...windows, { expanding: { stats: ["mean"] } }]],
  ])("looks back on as many good ones: %s", async (_, features) => {
    const checked = {
      ...compileView(pipelineOf(sources, { features }), manifestOf(sources)),
      checks: [{ name: "x", type: "float" as const, range: [0, 1_000] as [number, number] }],
    };
    const model: LiveModel = {
      ...MODEL,
      view: checked,
      binding: bindSource(checked, { sourceKey: 4, document }),
    };
    const store = new MemoryReadings();
    const engineOf = () => {
      const engine = new FeatureEngine({
        store,
        checkpointEvery: 50,
        maxSeries: 10,
        onUpdate: () => undefined,
        onFailure: (error) => expect.unreachable(String(error)),
      });
      engine.setModels([model]);
      return engine;
    };
    const engine = engineOf();
    await engine.series(model, "p1");
    // The newest are good, those before hardly ever.
    const values = Array.from({ length: 900 }, (__, i) => (i % 10 === 0 || i > 880 ? i : -1));
    for (const [i, x] of values.entries())
      engine.take(store.commit([{ asset: "p1", sourceKey: 4, epoch: 0, ts: i + 1, seq: 0, values: [x] }]));
    const { row } = await engine.series(model, "p1");
    await engine.close();
    const again = engineOf();
    const rebuilt = await again.series(model, "p1");
    await again.close();
    expect([...rebuilt.row]).toEqual([...row]);
    expect(row[0]).toBe(
      values
        .filter((x) => x >= 0)
        .slice(-30)
        .reduce((sum, x) => sum + x, 0),
    );
  });
});
