import { describe, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { guardsSchema } from "../../schemas/pipeline/rollout.ts";
import { emptyCounts, latencyBin } from "../../schemas/serving/rollout.ts";
import type { PairSample, RolloutCounts, SideCounts } from "../../schemas/serving/rollout.ts";
import { judge } from "./guards.ts";

const GUARDS = guardsSchema.parse({});

function side(over: Partial<SideCounts>): SideCounts {
  return { ...emptyCounts().candidate, ...over };
}

function latencies(ms: readonly number[]): number[] {
  const bins: number[] = [];
  for (const one of ms) {
    const bin = latencyBin(one);
    while (bins.length <= bin) bins.push(0);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins;
}

const counted = (counts: Partial<RolloutCounts>, sample?: PairSample) =>
  ({
    mode: "canary",
    counts: { ...emptyCounts(), ...counts },
    ...(sample === undefined ? {} : { sample }),
  }) as const;

describe("judge", () => {
  it("says nothing of a version that does as the champion does", () => {
    const generator = createGenerator(1);
    const sample: PairSample = Array.from({ length: 512 }, () => {
      const champion = generator.normal();
      return [champion, champion + 0.05 * generator.normal()];
    });
    const both = side({ requests: 5_000, rows: 5_000, latency: latencies(Array<number>(5_000).fill(1)) });
    const counts = {
      candidate: both,
      champion: both,
      pairs: 5_000,
      sumDifference: 200,
      sumChampion: 0,
      sumSquares: 5_000,
    };
    expect(judge(counted(counts, sample), GUARDS)).toBeUndefined();
    expect(judge(counted({}), GUARDS)).toBeUndefined();
  });

  it("names the asset class of answers that are no number", () => {
    const candidate = side({
      requests: 100,
      errors: { model_output_invalid: 7 },
      nonFinite: { "*": 7, "type=L": 7, "site=a": 3 },
    });
    const breach = judge(counted({ candidate }), GUARDS);
    expect(breach?.guard).toBe("non_finite");
    expect(breach?.reason).toContain("7 of 100 requests, all of them with type=L");
    expect(judge(counted({ candidate }), { ...GUARDS, nonFinite: false })?.guard).toBe("error_rate");
  });

  it.each([
    ["three of three", 3, 3, true],
    ["one of a hundred", 1, 100, false],
    ["two of ten may be chance", 2, 100, false],
    ["one in ten of many", 50, 500, true],
  ])("errors: %s", (_name, errors, requests, isBreach) => {
    const candidate = side({ requests, errors: { prediction_deadline: errors } });
    expect(judge(counted({ candidate }), GUARDS)?.guard === "error_rate").toBe(isBreach);
  });

  it("bears errors that the champion makes as well", () => {
    const failing = side({ requests: 1_000, errors: { overloaded: 100 } });
    expect(judge(counted({ candidate: failing, champion: failing }), GUARDS)).toBeUndefined();
  });

  it("sees five times the latency, and bears twice", () => {
    const champion = side({ latency: latencies(Array<number>(1_000).fill(2)) });
    const at = (ms: number) => side({ latency: latencies(Array<number>(200).fill(ms)) });
    expect(judge(counted({ candidate: at(10), champion }), GUARDS)?.guard).toBe("latency");
    expect(judge(counted({ candidate: at(4), champion }), GUARDS)).toBeUndefined();
    const shadow = { ...counted({ candidate: at(10), champion }), mode: "shadow" as const };
    expect(judge(shadow, GUARDS)).toBeUndefined();
  });

  it("sees answers that moved, and answers that disagree without moving", () => {
    const generator = createGenerator(2);
    const moved: PairSample = Array.from({ length: 300 }, () => {
      const value = generator.normal();
      return [value, value + 1];
    });
    expect(judge(counted({ pairs: 300, sumSquares: 300 }, moved), GUARDS)?.guard).toBe("score_shift");
    const apart = { pairs: 300, sumDifference: 300, sumSquares: 300 };
    expect(judge(counted(apart), GUARDS)?.guard).toBe("disagreement");
    expect(judge(counted({ pairs: 300, different: 150, sumSquares: 300 }), GUARDS)?.guard).toBe(
      "disagreement",
    );
    expect(judge(counted({ pairs: 90, different: 90 }), GUARDS)).toBeUndefined();
  });

  it("raises no false alarm in 2,000 looks at a version of the same distribution", () => {
    let alarms = 0;
    for (let round = 0; round < 2_000; round++) {
      const generator = createGenerator(round);
      const sample: PairSample = Array.from({ length: 120 }, () => [generator.normal(), generator.normal()]);
      if (judge(counted({}, sample), GUARDS) !== undefined) alarms++;
    }
    // Independent samples, where pairs would be alike, and as few as are judged at all: the worst case. Two tests at 0.1 %.
    expect(alarms).toBeLessThanOrEqual(8);
  });
});
