import { afterEach, expect, it } from "vitest";
import { ExplainerThread } from "./explainer-thread.ts";
import type { ExplainedModel } from "./explainer-thread.ts";

/** raw = slope · x + 1, on a thread of the built program. */
function model(key: string, slope = 2): ExplainedModel {
  const linear = {
    kind: "linear",
    taskKind: "regression",
    nFeatures: 1,
    nOutputs: 1,
    postTransform: "identity",
    means: [0],
    scales: [1],
    coefficients: [slope],
    intercepts: [1],
  };
  const document = { kind: "aura.explanation/1", model: linear };
  return { key, nFeatures: 1, read: async () => Buffer.from(JSON.stringify(document)) };
}

let thread: ExplainerThread;
afterEach(() => thread.close());

it("explains rows of several models, each read once while it is held", async () => {
  thread = new ExplainerThread({ maxModels: 2 });
  const nRead: Record<string, number> = {};
  const counted = (key: string, slope: number): ExplainedModel => {
    const { read, ...rest } = model(key, slope);
    return { ...rest, read: () => ((nRead[key] = (nRead[key] ?? 0) + 1), read()) };
  };
  for (const key of ["a", "b", "a", "c", "a", "b"]) {
    const slope = key.charCodeAt(0);
    const explained = await thread.explain(counted(key, slope), Float64Array.of(3, -1), 2);
    expect([...explained.contributions]).toEqual([3 * slope, -slope]);
    expect([...explained.rawScores]).toEqual([3 * slope + 1, 1 - slope]);
    expect([...explained.expected]).toEqual([1]);
  }
  expect(nRead).toEqual({ a: 1, b: 2, c: 1 });
});

it("refuses what it cannot read, and goes on", async () => {
  thread = new ExplainerThread();
  const rows = Float64Array.of(1);
  const broken = { key: "x", nFeatures: 1, read: async () => Buffer.from("{") };
  await expect(thread.explain(broken, rows, 1)).rejects.toMatchObject({ code: "model_output_invalid" });
  const wide = { ...model("y"), nFeatures: 2 };
  await expect(thread.explain(wide, rows, 1)).rejects.toThrow(/must have 2 features, got 1/);
  const away = { key: "z", nFeatures: 1, read: () => Promise.reject(new Error("away")) };
  await expect(thread.explain(away, rows, 1)).rejects.toThrow("away");
  expect([...(await thread.explain(model("x"), rows, 1)).rawScores]).toEqual([3]);
});

it("gives up at its deadline, and starts anew", async () => {
  thread = new ExplainerThread({ deadlineMs: 1 });
  const rows = new Float64Array(200);
  await expect(thread.explain(model("a"), rows, 200)).rejects.toMatchObject({ code: "prediction_deadline" });
});

it("refuses more than may wait", async () => {
  thread = new ExplainerThread({ maxQueueRows: 3 });
  await expect(thread.explain(model("a"), new Float64Array(4), 4)).rejects.toMatchObject({
    code: "overloaded",
  });
});
