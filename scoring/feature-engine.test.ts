import { afterEach, describe, expect, it, vi } from "vitest";
import { manifestOf, pipelineOf } from "../features/support/test-dataset.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { onlineSettings } from "../schemas/pipeline/online.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { bindSource } from "./binding.ts";
import { FeatureEngine } from "./feature-engine.ts";
import type { LiveModel } from "./live-model.ts";
import { MemoryReadings } from "./support/memory-readings.ts";

const SOURCE_KEY = 4;
const sources = {
  readings: { timeKind: "timestamp" as const, columns: [{ name: "x", type: "float" as const }], rows: [] },
};
const view = compileView(
  pipelineOf(sources, { features: [{ rolling: { stats: ["sum"], windows: [3] } }] }),
  manifestOf(sources),
);
const document = liveSourceSchema.parse({ name: "pumps", owner: "test", columns: [{ name: "x" }] });
const modelOf = (digest: string): LiveModel => ({
  model: "pumps",
  version: 1,
  digest: digest.repeat(64),
  view,
  fitted: {},
  binding: bindSource(view, { sourceKey: SOURCE_KEY, document }),
  online: onlineSettings(undefined),
  contextOf: () => ({}),
});
const MODEL = modelOf("d");
const reading = (asset: string, ts: number, x: number) => ({
  asset,
  sourceKey: SOURCE_KEY,
  epoch: 0,
  ts,
  seq: 0,
  values: [x],
});

describe("the features of a scorer", () => {
  const engines: FeatureEngine[] = [];
  afterEach(() => {
    for (const engine of engines.splice(0)) void engine.close();
  });
  function engineOver(store: MemoryReadings, maxSeries = 100) {
    let isDown = false;
    const updated: string[] = [];
    const failures: string[] = [];
    const engine = new FeatureEngine({
      store: {
        checkpoint: (of) => store.checkpoint(of),
        putCheckpoints: (checkpoints) => store.putCheckpoints(checkpoints),
        replay: (request, take) =>
          isDown
            ? Promise.reject(new PlatformError("database_unavailable", "away"))
            : store.replay(request, take),
      },
      maxSeries,
      onUpdate: ({ asset }) => updated.push(asset),
      onFailure: (_, asset) => failures.push(asset),
    });
    engine.setModels([MODEL]);
    engines.push(engine);
    return { engine, updated, failures, setDown: (to: boolean) => void (isDown = to) };
  }

  it("tries a rebuild again that the database did not allow, and tells of the asset then", async () => {
    const store = new MemoryReadings();
    const { engine, updated, failures, setDown } = engineOver(store);
    setDown(true);
    engine.take(store.commit([reading("p1", 1, 5)]));
    await vi.waitFor(() => expect(failures).toEqual(["p1"]));
    await expect(engine.series(MODEL, "p1")).rejects.toMatchObject({ code: "database_unavailable" });
    setDown(false);
    engine.take(store.commit([reading("p1", 2, 6)]));
    await vi.waitFor(() => expect(updated).toContain("p1"));
    expect([...(await engine.series(MODEL, "p1")).row]).toEqual([11]);
  });

  it("keeps no more series than it may, those used last, and rebuilds the others alike", async () => {
    const store = new MemoryReadings();
    const { engine } = engineOver(store, 2);
    for (const asset of ["a", "b", "c"]) engine.take(store.commit([reading(asset, 1, 1)]));
    for (const asset of ["a", "b", "c"]) await engine.series(MODEL, asset);
    expect(engine.nSeries).toBe(2);
    const before = store.nReplays;
    await engine.series(MODEL, "c");
    expect(store.nReplays).toBe(before);
    expect([...(await engine.series(MODEL, "a")).row]).toEqual([1]);
    expect(store.nReplays).toBe(before + 1);
  });

  it("keeps nothing of assets that are not there", async () => {
    const store = new MemoryReadings();
    const { engine } = engineOver(store, 2);
    for (const asset of ["a", "b"]) engine.take(store.commit([reading(asset, 1, 1)]));
    await Promise.all([engine.series(MODEL, "a"), engine.series(MODEL, "b")]);
    for (let i = 0; i < 20; i++) await engine.series(MODEL, `nobody-${i}`);
    expect(engine.nSeries).toBe(1);
    const before = store.nReplays;
    await engine.series(MODEL, "b");
    expect(store.nReplays).toBe(before);
    engine.take(store.commit([reading("nobody-3", 1, 4)]));
    expect([...(await engine.series(MODEL, "nobody-3")).row]).toEqual([4]);
    expect(engine.nSeries).toBe(2);
  });

  it("begins anew with another version, and forgets assets of shards that went", async () => {
    const store = new MemoryReadings();
    const { engine } = engineOver(store);
    engine.take(store.commit([reading("a", 1, 1), reading("b", 1, 1)]));
    await Promise.all([engine.series(MODEL, "a"), engine.series(MODEL, "b")]);
    engine.keepOnly((asset) => asset === "b");
    expect(engine.nSeries).toBe(1);
    const next = modelOf("e");
    engine.setModels([next]);
    expect(engine.nSeries).toBe(0);
    expect((await engine.series(next, "a")).model).toBe(next);
  });

  it("goes on from the checkpoint of another version that computes the same, and of no other", async () => {
    const viewOf = (features: readonly object[]) =>
      compileView(pipelineOf(sources, { features }), manifestOf(sources));
    const life = { expanding: { columns: ["x"], stats: ["mean"] } };
    const store = new MemoryReadings();
    const rows = Array.from({ length: 200 }, (_, i) => reading("p1", 1_000 * i, i));
    const meanUnder = async (model: LiveModel) => {
      const engine = new FeatureEngine({
        store,
        checkpointEvery: 20,
        maxSeries: 10,
        onUpdate: () => undefined,
        onFailure: (error) => expect(error).toBeUndefined(),
      });
      engine.setModels([model]);
      const series = await engine.series(model, "p1");
      await engine.close();
      return series.row[0];
    };
    store.commit(rows);
    const view1 = viewOf([life]);
    expect(await meanUnder({ ...MODEL, view: view1 })).toBe(99.5);
    expect(store.nResumed).toBe(0);
    expect(await meanUnder({ ...MODEL, view: view1, digest: "e".repeat(64), version: 2 })).toBe(99.5);
    expect(store.nResumed).toBe(1);
    expect(await meanUnder({ ...MODEL, view: viewOf([life, { current: {} }]) })).toBe(99.5);
    expect(await meanUnder({ ...MODEL, view: view1, fitted: { categories: { y: ["a"] } } })).toBe(99.5);
    expect(store.nResumed).toBe(1);
  });

  it("goes on with other assets when one cannot be computed, and comes back to it", async () => {
    const store = new MemoryReadings();
    const { engine, updated, failures } = engineOver(store);
    engine.take(store.commit([reading("bad", 1, 1), reading("good", 1, 1)]));
    await Promise.all([engine.series(MODEL, "bad"), engine.series(MODEL, "good")]);
    const poisoned = store
      .commit([reading("bad", 2, 1), reading("good", 2, 1)])
      .map((one) => (one.asset === "bad" ? { ...one, tx: "no number" } : one));
    updated.length = 0;
    engine.take(poisoned);
    expect([failures, updated]).toEqual([["bad"], ["good"]]);
    await vi.waitFor(() => expect(updated).toContain("bad"), { timeout: 5_000 });
    expect([...(await engine.series(MODEL, "bad")).row]).toEqual([2]);
  });

  it("rebuilds once for a burst of late readings, and not for what no window reaches", async () => {
    const store = new MemoryReadings();
    const { engine } = engineOver(store);
    const many = Array.from({ length: 200 }, (_, i) => reading("p1", 1_000 + 10 * i, 1));
    engine.take(store.commit(many));
    await engine.series(MODEL, "p1");
    const before = store.nReplays;
    engine.take(
      store.commit(Array.from({ length: 50 }, (_, i) => reading("p1", 2_905 - 10 * (i % 5) - i, 2))),
    );
    await engine.series(MODEL, "p1");
    expect(store.nReplays - before).toBeLessThanOrEqual(2);
    const after = store.nReplays;
    engine.take(store.commit([reading("p1", 5, 100)]));
    await engine.series(MODEL, "p1");
    expect(store.nReplays).toBe(after);
  });
});
