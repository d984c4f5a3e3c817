import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { InferencePool } from "../../../inference/pool.ts";
import type { ModelOutput } from "../../../inference/served-model.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import type { ServedVersion } from "../served-version.ts";
import { takes } from "./candidate.ts";
import type { Answering, Candidate } from "./candidate.ts";
import { RolloutMeter } from "./meter.ts";
import { RolloutRouter } from "./router.ts";
import type { Question } from "./router.ts";
import { isInShare } from "./sticky-share.ts";

const output = (value: number): ModelOutput => ({ values: Float64Array.of(value), nOutputs: 1 });
const poolOf = (predict: () => Promise<ModelOutput>) => ({ predict }) as unknown as InferencePool;
const versionOf = (version: number): ServedVersion =>
  ({
    model: "pump",
    version,
    digest: String(version),
    signature: { inputs: [{ name: "type", kind: "category", nullable: false, values: ["H", "L"] }] },
  }) as unknown as ServedVersion;

const CHAMPION = versionOf(1);
const CANDIDATE = versionOf(2);
const inShare = Array.from({ length: 100 }, (_, i) => `p${i}`).filter((asset) => isInShare("r", asset, 50));
const outside = Array.from({ length: 100 }, (_, i) => `p${i}`).filter((asset) => !isInShare("r", asset, 50));

interface Given {
  readonly mode?: "shadow" | "canary";
  readonly candidate?: () => Promise<ModelOutput>;
  readonly champion?: () => Promise<ModelOutput>;
  readonly isWatched?: boolean;
}

function benchOf({ mode = "canary", candidate, champion, isWatched = true }: Given = {}) {
  const meter = new RolloutMeter();
  const asked: string[] = [];
  const beside: Candidate = {
    rolloutId: "r",
    stage: 0,
    mode,
    share: mode === "shadow" ? 0 : 50,
    served: CANDIDATE,
    pool: poolOf(candidate ?? (async () => output(2))),
    meter,
    isWatched: () => isWatched,
  };
  const router = new RolloutRouter(poolOf(champion ?? (async () => output(1))), pino({ level: "silent" }));
  const questionOf = (assets: readonly string[] | undefined, requestKey = "k"): Question<PredictReply> => ({
    assets: () => assets,
    requestKey,
    async answer(version: ServedVersion, by: Answering | undefined) {
      asked.push(`${version.version} ${by?.role}`);
      const found = await by?.run(version, Float64Array.of(1), 1);
      const value = found?.values[0] ?? NaN;
      const { model, digest, version: number } = version;
      return { model, digest, version: number, traced: true, predictions: [{ predictionId: "x", value }] };
    },
    replyOf: (reply) => reply,
  });
  return {
    meter,
    asked,
    beside,
    answer: async (assets?: readonly string[], requestKey?: string) => {
      const reply = await router.answer(beside, () => CHAMPION, questionOf(assets, requestKey));
      // Comparisons come after the reply.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return reply.version;
    },
  };
}

describe("RolloutRouter", () => {
  it("answers by the new version what is all in the share, and compares with the champion", async () => {
    const bench = benchOf();
    expect(await bench.answer(inShare.slice(0, 3))).toBe(2);
    expect(bench.asked).toEqual(["2 answer", "1 shadow"]);
    expect(bench.meter.counts).toMatchObject({
      pairs: 1,
      candidate: { requests: 1 },
      champion: { requests: 0 },
    });
  });

  it("answers a request about assets on both sides by one version, by what names it and as often as they are in", async () => {
    const bench = benchOf();
    const mixed = [...inShare.slice(0, 1), ...outside.slice(0, 3)];
    const keys = Array.from({ length: 2_000 }, (_, i) => `request-${i}`);
    const by = new Map<string, number>();
    for (const key of keys) by.set(key, takes(bench.beside, mixed, key) ? 2 : 1);
    // A quarter, with a standard deviation of 1 % over 2,000 requests.
    const share = [...by.values()].filter((version) => version === 2).length / keys.length;
    expect(share).toBeGreaterThan(0.21);
    expect(share).toBeLessThan(0.29);
    for (const key of keys.slice(0, 20)) expect(await bench.answer(mixed, key)).toBe(by.get(key));
  });

  it.each([1, 2, 10, 100, 1_000])(
    "gives the new version its share of requests about %i assets each",
    (nAssets) => {
      const { beside } = benchOf();
      let taken = 0;
      const nRequests = 4_000;
      for (let i = 0; i < nRequests; i++) {
        const assets = Array.from({ length: nAssets }, (_, j) => `asset-${(i * 37 + j * 101) % 5_000}`);
        if (takes({ ...beside, share: 5 }, assets, `request-${i}`)) taken++;
      }
      // Assets come up again and again, so single ones spread most: 5 % of 4,000 distinct ones are 200 ± 14.
      expect(taken / nRequests).toBeGreaterThan(0.035);
      expect(taken / nRequests).toBeLessThan(0.065);
    },
  );

  it("leaves what is all outside to the champion, and keeps one asset with its version, whatever names the request", () => {
    const { beside } = benchOf();
    for (let i = 0; i < 200; i++) {
      expect(takes(beside, outside.slice(0, 5), `r${i}`)).toBe(false);
      expect(takes(beside, inShare.slice(0, 5), `r${i}`)).toBe(true);
      expect(takes(beside, [inShare[0] ?? "", null, inShare[0] ?? ""], `r${i}`)).toBe(true);
    }
  });

  it("goes by what names the request where no asset does, the same way each time", async () => {
    const bench = benchOf();
    const first = await Promise.all(outside.map((key) => bench.answer(undefined, key)));
    expect(new Set(first)).toEqual(new Set([1]));
    expect(await bench.answer([], inShare[0])).toBe(2);
  });

  it("has the champion answer where the new version gives no number, and says for which category", async () => {
    const bad = new PlatformError("model_output_invalid", "NaN");
    const bench = benchOf({ candidate: () => Promise.reject(bad) });
    expect(await bench.answer(inShare.slice(0, 1))).toBe(1);
    expect(bench.meter.counts.candidate).toMatchObject({
      requests: 1,
      errors: { model_output_invalid: 1 },
      nonFinite: { "*": 1, "type=L": 1 },
    });
  });

  it("has the champion answer where the new version hangs, after a second", async () => {
    const bench = benchOf({ candidate: () => new Promise(() => undefined) });
    const began = performance.now();
    expect(await bench.answer(inShare.slice(0, 1))).toBe(1);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(bench.meter.counts.candidate.errors).toEqual({ prediction_deadline: 1 });
  });

  it("counts nothing against the new version where the champion cannot answer either", async () => {
    const bad = new PlatformError("invalid_signature_input", "a text");
    const refuse = () => Promise.reject(bad);
    const bench = benchOf({ candidate: refuse, champion: refuse });
    await expect(bench.answer(inShare.slice(0, 1))).rejects.toBe(bad);
    expect(bench.meter.counts).toMatchObject({ candidate: { errors: {} }, champion: { errors: {} } });
  });

  it("asks a version no more that fails more often than not", async () => {
    const bench = benchOf({
      candidate: () => Promise.reject(new PlatformError("model_output_invalid", "NaN")),
    });
    for (let i = 0; i < 30; i++) expect(await bench.answer(inShare.slice(0, 1))).toBe(1);
    expect(bench.meter.counts.candidate.requests).toBe(20);
  });

  it("leaves all to the champion while no guard looks", async () => {
    const bench = benchOf({ isWatched: false });
    expect(await bench.answer(inShare.slice(0, 1))).toBe(1);
    expect(bench.asked).toEqual(["1 answer"]);
  });

  it("never answers by a shadow, whatever it does", async () => {
    const bench = benchOf({ mode: "shadow" });
    expect(await bench.answer(inShare.slice(0, 1))).toBe(1);
    expect(bench.asked).toEqual(["1 answer", "2 shadow"]);
    const failing = benchOf({
      mode: "shadow",
      candidate: () => Promise.reject(new PlatformError("model_output_invalid", "NaN")),
    });
    expect(await failing.answer(inShare.slice(0, 1))).toBe(1);
    expect(failing.meter.counts.candidate.errors).toEqual({ model_output_invalid: 1 });
    const busy = benchOf({
      mode: "shadow",
      candidate: () => Promise.reject(new PlatformError("overloaded", "full")),
    });
    await busy.answer(inShare.slice(0, 1));
    expect(busy.meter.counts).toMatchObject({ dropped: 1, candidate: { errors: {} } });
  });
});
