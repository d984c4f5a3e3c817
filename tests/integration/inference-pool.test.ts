import { afterEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { endlessOnnx, linearOnnx, logOnnx } from "../support/tiny-onnx.ts";
import { ChildHandle } from "../../inference/child-handle.ts";
import { createInferencePool } from "../../inference/pool.ts";
import type { InferencePool } from "../../inference/pool.ts";
import type { PoolEvent, PoolOptions } from "../../inference/pool-options.ts";
import type { ServedModel } from "../../inference/served-model.ts";

const pools: InferencePool[] = [];
const events: PoolEvent[] = [];

function startPool(options: Partial<PoolOptions> = {}): InferencePool {
  const pool = createInferencePool({
    children: 1,
    deadlineMs: 2_000,
    memoryLimitMb: 1_024,
    maxQueueRows: 1_000,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  events.length = 0;
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

/** `y = slope · x + bias` with golden vectors that are right unless `goldenBias` says otherwise. */
function lineModel(key: string, slope: number, goldenBias = 1): ServedModel {
  const bytes = linearOnnx([slope], 1);
  const rows = Float64Array.of(0, 1, 2);
  const outputs = rows.map((x) => slope * x + goldenBias);
  return {
    key,
    bytes,
    sha256: sha256Hex(bytes),
    nFeatures: 1,
    outputName: "output",
    golden: { nRows: 3, rows, outputs },
  };
}

async function predictOne(pool: InferencePool, key: string, x: number): Promise<number | undefined> {
  return (await pool.predict(key, Float64Array.of(x), 1)).values[0];
}

describe("inference pool", () => {
  test("answers each request with its own rows, also when they travel as one batch", async () => {
    const pool = startPool();
    await pool.load(lineModel("a", 2));
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => predictOne(pool, "a", i)));
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i + 1));
    expect(events.some((e) => e.type === "batch" && e.nRequests === 64)).toBe(true);
  });

  test("cuts a large request into pieces and joins the answers in order", async () => {
    const pool = startPool();
    await pool.load(lineModel("a", 2));
    const rows = Float64Array.from({ length: 2_500 }, (_, i) => i);
    const { values, nOutputs } = await pool.predict("a", rows, 2_500);
    expect(nOutputs).toBe(1);
    expect(values).toEqual(rows.map((x) => 2 * x + 1));
  });

  test("refuses wrong hashes, wrong golden vectors and broken bytes, and serves on", async () => {
    const pool = startPool();
    await pool.load(lineModel("a", 2));
    const other = lineModel("b", 3);
    await expect(pool.load({ ...other, sha256: "0".repeat(64) })).rejects.toMatchObject({
      code: "integrity",
    });
    await expect(pool.load(lineModel("b", 3, 1.1))).rejects.toMatchObject({ code: "model_refused" });
    const noise = Uint8Array.from([1, 2, 3, 4]);
    await expect(pool.load({ ...other, bytes: noise, sha256: sha256Hex(noise) })).rejects.toMatchObject({
      code: "model_refused",
    });
    const endless = endlessOnnx();
    await expect(pool.load({ ...other, bytes: endless, sha256: sha256Hex(endless) })).rejects.toMatchObject({
      code: "model_refused",
      message: expect.stringMatching(/^load model \[b\]: .*Loop/),
    });
    await expect(predictOne(pool, "b", 1)).rejects.toMatchObject({ code: "not_found" });
    expect(await predictOne(pool, "a", 1)).toBe(3);
  });

  test("models that come together load together, and a bad one among them fails alone", async () => {
    const pool = startPool({ children: 2 });
    const keys = Array.from({ length: 12 }, (_, i) => `m${i}`);
    const settled = await Promise.allSettled(
      keys.map((key, i) => pool.load(lineModel(key, i, key === "m5" ? 9 : 1))),
    );
    expect(settled.map((s) => s.status === "fulfilled")).toEqual(keys.map((key) => key !== "m5"));
    expect(await predictOne(pool, "m11", 10)).toBe(111);
    await expect(predictOne(pool, "m5", 1)).rejects.toMatchObject({ code: "not_found" });
    expect(events.filter((e) => e.type === "child_started")).toHaveLength(2);
    expect(pool.status()).toMatchObject({ ready: true });
  });

  test("starts no process for a swap but the first, and none that has loaded many models serves on", async () => {
    const pool = startPool();
    const pids = new Set<number | null>();
    for (let version = 1; version <= 40; version++) {
      await pool.load(lineModel(`v${version}`, version));
      await pool.unload(`v${version - 1}`);
      expect(await predictOne(pool, `v${version}`, 10)).toBe(10 * version + 1);
      pids.add(pool.status().children[0]?.pid ?? null);
    }
    // Each takes two models for a swap, and 32 in its life: 79 loads are those of three, and of the first.
    expect(pids.size).toBeGreaterThan(2);
    expect(pids.size).toBeLessThan(6);
  }, 60_000);

  test("refuses Infinity going in and coming out, without harm to the batch's other requests", async () => {
    const pool = startPool();
    const bytes = logOnnx();
    const golden = { nRows: 1, rows: Float64Array.of(1), outputs: Float64Array.of(0) };
    await pool.load({
      key: "log",
      bytes,
      sha256: sha256Hex(bytes),
      nFeatures: 1,
      outputName: "output",
      golden,
    });
    await expect(predictOne(pool, "log", Infinity)).rejects.toMatchObject({
      code: "invalid_signature_input",
    });
    const [first, bad, good] = await Promise.allSettled(
      [1, 0, Math.E].map((x) => predictOne(pool, "log", x)),
    );
    expect(first).toMatchObject({ value: 0 });
    expect(bad).toMatchObject({ reason: { code: "model_output_invalid" } });
    expect(good).toMatchObject({ value: 1 });
  });

  test("a child that stops answering is killed; a single request fails, the next ones are served", async () => {
    const pool = startPool({ deadlineMs: 400 });
    await pool.load(lineModel("a", 2));
    const pid = pool.status().children[0]?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    await expect(predictOne(pool, "a", 1)).rejects.toMatchObject({ code: "prediction_deadline" });
    expect(await predictOne(pool, "a", 1)).toBe(3);
    expect(pool.status().children[0]?.pid).not.toBe(pid);
  });

  test("requests that were lost together run again one by one and succeed", async () => {
    const pool = startPool({ deadlineMs: 400 });
    await pool.load(lineModel("a", 2));
    process.kill(pool.status().children[0]?.pid ?? 0, "SIGSTOP");
    const settled = await Promise.allSettled([1, 2, 3, 4].map((x) => predictOne(pool, "a", x)));
    // They came in one turn and were one batch: none of them is to blame before it has hung alone.
    expect(settled.map((s) => s.status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "fulfilled"]);
  });

  test("a child that is killed from outside costs no request", async () => {
    const pool = startPool({ children: 2 });
    await pool.load(lineModel("a", 2));
    const requests = Array.from({ length: 300 }, (_, i) => predictOne(pool, "a", i));
    process.kill(pool.status().children[0]?.pid ?? 0, "SIGKILL");
    expect(await Promise.all(requests)).toEqual(Array.from({ length: 300 }, (_, i) => 2 * i + 1));
  });

  test("refuses above the queue limit", async () => {
    const pool = startPool({ maxQueueRows: 10 });
    await pool.load(lineModel("a", 2));
    const settled = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => predictOne(pool, "a", i)));
    const refused = settled.filter((s) => s.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "overloaded" });
  });

  test("20 swaps under load: no failed request, no mixed answer", async () => {
    const pool = startPool();
    await pool.load(lineModel("v0", 2));
    let current = 0;
    let isDone = false;
    let answered = 0;
    const client = async (): Promise<void> => {
      while (!isDone) {
        const version = current;
        expect(await predictOne(pool, `v${version}`, 10)).toBe((version + 2) * 10 + 1);
        answered++;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    const clients = [client(), client()];
    for (let version = 1; version <= 20; version++) {
      await pool.load(lineModel(`v${version}`, version + 2));
      current = version;
      await pool.unload(`v${version - 1}`);
    }
    isDone = true;
    await Promise.all(clients);
    expect(answered).toBeGreaterThan(100);
    expect(pool.status()).toMatchObject({ ready: true, models: ["v20"] });
  }, 60_000);
});

test("a native call that never returns ends at its deadline", async () => {
  const child = new ChildHandle();
  const watch = setInterval(() => child.checkDeadline(performance.now()), 10);
  const bytes = endlessOnnx();
  await child.load({ key: "x", bytes, isInspected: true, nFeatures: 1, outputName: "output" }, 10_000);
  const run = { key: "x", pieces: [Float64Array.of(1)], nRows: 1 };
  const began = performance.now();
  await expect(child.run(run, 100)).rejects.toMatchObject({ loss: "deadline" });
  expect(performance.now() - began).toBeLessThan(1_500);
  clearInterval(watch);
});
