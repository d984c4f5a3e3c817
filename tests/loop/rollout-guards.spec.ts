import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createInferencePool } from "../../inference/pool.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { latencyOfBin } from "../../schemas/serving/rollout.ts";
import type { SideCounts } from "../../schemas/serving/rollout.ts";
import { until } from "../adapters/support/until.ts";
import { nanAtOneOnnx, slowOnnx } from "../support/tiny-onnx.ts";
import type { Ledger } from "./support/ledger.ts";
import { rollbackLimitMs } from "./support/rollback-limit.ts";
import { MODEL, openRolloutBench } from "./support/rollout-bench.ts";
import type { RolloutBench } from "./support/rollout-bench.ts";

/** Guards as they are by default, on answers to pumps of three types. */
const ROLLOUT = "{shadow: {bake: 1s}, steps: [{share: 50, bake: 60s}], minRows: 40}";
const MIN_ROWS = 100;
const TYPES = ["H", "L", "M"];
const CANARY_STAGE = 1;

describe("the guards of a rollout", () => {
  let bench: RolloutBench;
  let ledger: Ledger;
  let champion = 0;
  beforeAll(async () => {
    bench = await openRolloutBench({
      rollout: ROLLOUT,
      example: { voltage: 1, current: "H" },
      versions: {
        signature: {
          inputs: [
            { name: "voltage", kind: "number", nullable: false },
            { name: "current", kind: "category", nullable: false, values: TYPES },
          ],
        },
      },
    });
    champion = (await bench.db.registry.champion(MODEL))?.version ?? 0;
  });
  afterEach(async () => {
    await ledger.stop();
    await bench.abortOpen();
  });
  afterAll(async () => {
    await bench.close();
  });

  const begin = (typeOf: (n: number) => string): void => {
    ledger = bench.ledger();
    ledger.begin({ perSecond: 100, rowOf: (n) => ({ voltage: n % 50, current: typeOf(n) }) });
  };
  const countsOf = async (id: string) => {
    const [stats] = await bench.db.rollouts.stats(id, CANARY_STAGE);
    return stats?.counts;
  };
  /** The challenger answered nobody after its end, and nobody was left without an answer. */
  const expectGone = async (endedAt: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect([...ledger.versionsSince(endedAt + 1_000).keys()]).toEqual([champion]);
    expect((await bench.db.registry.champion(MODEL))?.version).toBe(champion);
  };

  it("name the class of assets whose answers are no number", async () => {
    let isBad = false;
    begin((n) => (isBad && n % 4 === 0 ? "L" : n % 2 === 0 ? "H" : "M"));
    const version = await bench.approved({ version: 2, onnx: nanAtOneOnnx([2.001, 1], 1), slope: 2.001 });
    const id = await bench.start(version);
    await bench.untilRow(id, (row) => row.mode === "canary");
    await until(
      async () => ledger.versionsSince(0),
      (seen) => seen.has(version),
    );
    isBad = true;
    const began = Date.now();
    const done = await bench.untilRow(id, (row) => row.endedAt !== null);
    expect(done, done.reason ?? "").toMatchObject({ state: "rolled_back", guard: "non_finite" });
    expect(done.reason).toMatch(
      /^the new version answered NaN or Infinity to \d+ of \d+ requests, all of them with current=L$/,
    );
    const endedAt = Date.parse(done.endedAt ?? "");
    expect(endedAt - began).toBeLessThan(rollbackLimitMs());
    await expectGone(endedAt);
  });

  it("see five times the latency of a champion of less than a millisecond", async () => {
    begin(() => "H");
    const plain = await bench.approved({ version: 3, slope: 2.002 });
    const measuring = await bench.start(plain);
    const counts = await until(
      () => countsOf(measuring),
      (found) => nOf(found?.champion) >= 200 && nOf(found?.candidate) >= MIN_ROWS,
    );
    const championMs = medianOf(counts?.champion);
    // As fast as the champion, and looked at as often as the slow one will be.
    expect(medianOf(counts?.candidate) / championMs).toBeLessThan(3);
    expect((await bench.row(measuring)).state).toBe("running");
    await bench.post(`/v1/rollouts/${measuring}/abort`, { reason: "measured" });
    const layers = Math.ceil((4 * championMs) / (await msPerLayer()));
    const slow = { onnx: slowOnnx([2.003, 1], 1, layers), slope: 2.003 };
    const version = await bench.approved({ version: 4, ...slow });
    const id = await bench.start(version);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, 60_000);
    expect(done, done.reason ?? "").toMatchObject({ state: "rolled_back", guard: "latency" });
    const seen = await countsOf(id);
    const ratio = medianOf(seen?.candidate) / medianOf(seen?.champion);
    expect(ratio, `${layers} layers, ${championMs} ms`).toBeGreaterThan(3);
    expect(ratio, `${layers} layers, ${championMs} ms`).toBeLessThan(10);
    const answers = ledger.entries
      .filter((one) => one.version === version)
      .map(({ sentAt, ms }) => sentAt + ms);
    const enoughAt = answers.toSorted((a, b) => a - b)[MIN_ROWS - 1] ?? Infinity;
    const endedAt = Date.parse(done.endedAt ?? "");
    expect(endedAt - enoughAt).toBeLessThan(rollbackLimitMs());
    await expectGone(endedAt);
  });
});

const nOf = (side: SideCounts | undefined): number =>
  side?.latency.reduce((sum, count) => sum + count, 0) ?? 0;

function medianOf(side: SideCounts | undefined): number {
  let sum = 0;
  const bin = side?.latency.findIndex((count) => (sum += count) >= nOf(side) / 2) ?? 0;
  return latencyOfBin(bin);
}

/** What one layer of `slowOnnx` takes on this machine, at the pace of the ledger. */
async function msPerLayer(): Promise<number> {
  const [few, many] = [1, 65];
  const pool = createInferencePool({
    children: 1,
    deadlineMs: 5_000,
    memoryLimitMb: 1_024,
    maxQueueRows: 100,
  });
  try {
    const medians: number[] = [];
    for (const layers of [few, many]) {
      const bytes = slowOnnx([1, 1], 1, layers);
      const golden = { nRows: 1, rows: Float64Array.of(0, 0), outputs: Float64Array.of(1) };
      const sha256 = sha256Hex(bytes);
      await pool.load({ key: sha256, bytes, sha256, nFeatures: 2, outputName: "output", golden });
      const took: number[] = [];
      for (let i = 0; i < 60; i++) {
        const began = performance.now();
        await pool.predict(sha256, Float64Array.of(1, 2), 1);
        took.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      medians.push(took.toSorted((a, b) => a - b)[took.length >> 1] ?? 0);
    }
    const [fewMs = 0, manyMs = 0] = medians;
    return (manyMs - fewMs) / (many - few);
  } finally {
    await pool.close();
  }
}
