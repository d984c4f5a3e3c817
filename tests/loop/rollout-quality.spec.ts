import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileView } from "../../features/view.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { rollbackLimitMs } from "./support/rollback-limit.ts";
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
  "{shadow: {bake: 120s}, steps: [], minRows: 20, guards: {minRows: 50, latency: false, quality: {minLabels: 300}}}";

const CANARY = {
  shadow: false,
  steps: [{ share: 50, bake: "120s" }],
  minRows: 20,
  guards: { minRows: 50, latency: false, quality: { minLabels: 150 } },
};

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

  it.each([
    ["in shadow, where nobody ever gets its answer", "p", 2, undefined],
    ["in a canary, by its answers beside the champion's shadows", "q", 3, CANARY],
  ])("is rolled back for quality that is a fifth worse: %s", async (_name, prefix, number, own) => {
    // The champion is off by a noise of 10 cycles; the new version by 7 to 8 more of bias: √(10² + 7.9²) = 12.7 ± 0.3.
    const generator = createGenerator(5);
    const noise = Float64Array.from({ length: 20_000 }, () => 10 * generator.normal());
    const ledger = bench.ledger();
    ledger.begin({
      perSecond: 100,
      nAssets: N_ASSETS,
      prefix,
      rowOf: (n) => ({ voltage: endOf(n) - cycleOf(n), current: noise[n % noise.length] ?? 0 }),
      timeOf: cycleOf,
    });
    const version = await bench.approved({ version: number, slope: 1.006 + number / 1e6 });
    const id = await bench.start(version, own);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const unlabelled = await bench.row(id);
    expect(unlabelled.state, unlabelled.reason ?? "").toBe("running");
    const labels = Array.from({ length: N_ASSETS }, (_, i) => ({
      kind: "failure",
      asset: `${prefix}${i}`,
      t: endOf(i),
    }));
    const sent = await bench.post("/v1/labels", { labels });
    const labelledAt = Date.now();
    expect(sent.status, JSON.stringify(sent.body)).toBeLessThan(300);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, 90_000);
    expect(done, done.reason ?? "").toMatchObject({ state: "rolled_back", guard: "quality" });
    expect(done.reason).toMatch(/rmse of the new version is 1[2-4](\.\d)? on \d+ labelled/);
    // The predictions of eight seconds are there: with their labels the guard has what it takes.
    expect(Date.parse(done.endedAt ?? "") - labelledAt, done.reason ?? "").toBeLessThan(rollbackLimitMs());
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    const answeredBy = [...ledger.versionsSince(0).keys()].toSorted((a, b) => a - b);
    expect(answeredBy).toEqual(own === undefined ? [1] : [1, version]);
    expect((await bench.db.registry.champion(MODEL))?.version).toBe(1);
  });
});
