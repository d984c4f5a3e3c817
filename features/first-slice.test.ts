import { afterAll, beforeAll, expect, it } from "vitest";
import { featureSpecs } from "./feature-view.ts";
import { manifestOf, pipelineOf, writeSources } from "./support/test-dataset.ts";
import type { TestSource } from "./support/test-dataset.ts";
import { createTestEngine } from "./support/test-engine.ts";
import type { TestEngine } from "./support/test-engine.ts";
import { transformShard } from "./transform.ts";
import { compileView } from "./view.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await createTestEngine();
});
afterAll(() => engine.close());

const readings: TestSource = {
  columns: [{ name: "s", type: "float" }],
  rows: [
    { asset: "a", t: 1, values: [10] },
    { asset: "a", t: 2, values: [14] },
    { asset: "a", t: 3, values: [null] },
    { asset: "a", t: 4, values: [12] },
    { asset: "b", t: 1, values: [100] },
    { asset: "b", t: 2, values: [101] },
  ],
};

it("computes features and label of a small series, by hand", async () => {
  const sources = { readings };
  const view = compileView(
    pipelineOf(sources, {
      features: [
        { current: {} },
        { rolling: { stats: ["mean", "std", "slope", "count"], windows: [2] } },
        { lag: { steps: [1] } },
        { difference: { steps: [2] } },
        { exponential: { halfLives: [1] } },
        { expanding: { stats: ["max"] } },
        { baseline: {} },
        { age: {} },
      ],
      label: { kind: "end_of_life", ends: [{ at: "last_reading" }], cap: 2 },
    }),
    manifestOf(sources),
  );
  const paths = await writeSources(engine, sources, "hand");
  const out = `${engine.folder}/hand-out.parquet`;
  const shard = await transformShard(engine, {
    view,
    fitted: {},
    readings: paths["readings"] ?? [],
    sources: {},
    out,
  });
  expect(shard.rows).toBe(6);
  const table = await engine.columns(`SELECT * FROM read_parquet('${out}')`);
  const column = (name: string) => [...(table.columns[name] ?? [])];
  const feature = (name: string) => column(view.features.find((f) => f.name === name)?.physical ?? "");
  expect(featureSpecs(view).map((f) => f.name)).toHaveLength(11);
  const gap = Number.NaN;
  expect(feature("s")).toEqual([10, 14, gap, 12, 100, 101]);
  expect(feature("s_mean_2")).toEqual([10, 12, 14, 12, 100, 100.5]);
  expect(feature("s_std_2")).toEqual([gap, Math.sqrt(8), gap, gap, gap, Math.sqrt(0.5)]);
  expect(feature("s_slope_2")).toEqual([gap, 4, gap, gap, gap, 1]);
  expect(feature("s_count_2")).toEqual([1, 2, 1, 1, 1, 2]);
  expect(feature("s_lag_1")).toEqual([gap, 10, 14, gap, gap, 100]);
  expect(feature("s_diff_2")).toEqual([gap, gap, gap, -2, gap, gap]);
  expect(feature("s_ewm_1")[1]).toBeCloseTo((14 + 5) / 1.5, 12);
  expect(feature("s_life_max")).toEqual([10, 14, 14, 14, 100, 101]);
  expect(feature("s_base_life")).toEqual([0, 2, gap, 0, 0, 0.5]);
  expect(feature("age")).toEqual([1, 2, 3, 4, 1, 2]);
  expect(column("__y")).toEqual([2, 2, 1, 0, 1, 0]);
  expect(column("__y_raw")).toEqual([3, 2, 1, 0, 1, 0]);
  expect(column("__last")).toEqual([0, 0, 0, 1, 0, 1]);
});
