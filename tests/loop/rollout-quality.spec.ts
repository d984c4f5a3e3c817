import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileView } from "../../features/view.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { MODEL, openRolloutBench } from "./support/rollout-bench.ts";
import type { RolloutBench } from "./support/rollout-bench.ts";

const PIPELINE = `name: ${MODEL}
sources:
  readings:
    files: r.csv
    asset: unit
    time: { column: at, kind: cycle }
    columns: [{ name: voltage }, { name: current }]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
metrics: { primary: rmse }
features: [{ current: { columns: [voltage, current] } }]
`;
/** Nothing but quality tells the two apart: their answers are near each other. */
const ROLLOUT =
  "{shadow: {bake: 60s}, steps: [], minRows: 20, guards: {minRows: 50, latency: false, quality: {minLabels: 300}}}";

const MANIFEST: DatasetManifest = {
  kind: "aura.dataset/1",
  pipeline: MODEL,
  owner: "test",
  retention: "5y",
  raw: [],
  sources: {
    readings: {
      role: "readings",
      hasAsset: true,
      timeKind: "cycle",
      columns: [
        { name: "voltage", physical: "v0", type: "float", use: "feature" },
        { name: "current", physical: "v1", type: "float", use: "feature" },
      ],
      schemaHash: "0".repeat(64),
      parts: [],
      counts: { read: 0, accepted: 0, quarantined: 0, byReason: {} },
      nAssets: 0,
    },
  },
};

const N_ASSETS = 100;
const cycleOf = (n: number): number => 1 + Math.floor(n / N_ASSETS);
const endOf = (n: number): number => 1_000 + 3 * (n % N_ASSETS);

describe("a rollout whose labels arrive while it bakes", () => {
  let bench: RolloutBench;
  beforeAll(async () => {
    const { pipeline } = parsePipeline(PIPELINE, "pipeline.yaml");
    bench = await openRolloutBench({
      rollout: ROLLOUT,
      pipeline: PIPELINE,
      versions: { view: compileView(pipeline, MANIFEST), slope: 1 },
    });
  });
  afterAll(async () => {
    await bench.close();
  });

  it("is rolled back for quality that is a fifth worse, and nobody ever gets its answer", async () => {
    // The champion is off by a noise of 10 cycles and 1 of bias, the new version by 7 more of bias: √(10² + 8²) = 12.8, and a
    // half more or less with the rows that were answered until the labels came.
    const generator = createGenerator(5);
    const noise = Float64Array.from({ length: 20_000 }, () => 10 * generator.normal());
    const ledger = bench.ledger();
    ledger.begin({
      perSecond: 100,
      nAssets: N_ASSETS,
      rowOf: (n) => ({ voltage: endOf(n) - cycleOf(n), current: noise[n % noise.length] ?? 0 }),
      timeOf: cycleOf,
    });
    const version = await bench.approved({ version: 2, slope: 1.006 });
    const id = await bench.start(version);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect((await bench.row(id)).state).toBe("running");
    const labels = Array.from({ length: N_ASSETS }, (_, i) => ({
      kind: "failure",
      asset: `p${i}`,
      t: endOf(i),
    }));
    const sent = await bench.post("/v1/labels", { labels });
    expect(sent.status, JSON.stringify(sent.body)).toBeLessThan(300);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, 50_000);
    expect(done, done.reason ?? "").toMatchObject({ state: "rolled_back", guard: "quality" });
    expect(done.reason).toMatch(/rmse of the new version is 1[123]\.?\d* on \d+ labelled/);
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect([...ledger.versionsSince(0).keys()]).toEqual([1]);
  });
});
