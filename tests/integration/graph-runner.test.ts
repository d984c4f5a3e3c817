import { afterAll, beforeAll, expect, test } from "vitest";
import { runForeignGraph, runGraph } from "../../activities/evaluation/graph-runner.ts";
import { createInferencePool } from "../../inference/pool.ts";
import type { InferencePool } from "../../inference/pool.ts";
import { linearOnnx } from "../support/tiny-onnx.ts";

const inputs = Float64Array.of(0, 1, 2, 3);
const given = {
  onnx: linearOnnx([2], 1, "value"),
  problem: "regression" as const,
  nFeatures: 1,
  inputs,
  nRows: inputs.length,
  expected: inputs.map((x) => 2 * x + 1),
};

let pool: InferencePool;
beforeAll(() => {
  pool = createInferencePool({
    children: 1,
    deadlineMs: 2_000,
    memoryLimitMb: 1_024,
    maxQueueRows: 1_000,
    onEvent: () => undefined,
  });
});
afterAll(() => pool.close());

test("uses of one graph that overlap do not unload it for each other, and leave nothing behind", async () => {
  const asked = await runForeignGraph(pool, given, async (predict) => {
    // Two more begin and end while this one still asks.
    const others = await Promise.all([runGraph(pool, given), runForeignGraph(pool, given)]);
    expect(others.map(({ outputs }) => outputs)).toEqual([given.expected, given.expected]);
    expect((await predict(Float64Array.of(5), 1)).outputs).toEqual(Float64Array.of(11));
  });
  expect(asked.outputs).toEqual(given.expected);
  expect(pool.status().models).toEqual([]);
});
