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

  /** Answers with the stalls of a busy machine, which all versions have at the same times. */
  const latenciesOf = (
    seed: number,
    { median, spread, n }: { median: number; spread: number; n: number },
  ) => {
    const generator = createGenerator(seed);
    const stalls = createGenerator("stalls");
    const stallMs = Array.from({ length: 40 }, () => (stalls.next() < 0.05 ? 20 : 0));
    return Array.from({ length: n }, (_, i) => {
      const stall = (stallMs[Math.floor((40 * i) / n)] ?? 0) * generator.next();
      return median * Math.exp(spread * generator.normal()) + stall;
    });
  };

  it.each([0.2, 0.3, 0.5, 1, 2, 5, 20])(
    "sees five times a median of %f ms in 200 answers, or 500 that differ much",
    (median) => {
      for (const spread of [0.1, 0.3, 0.5, 0.8])
        for (let seed = 0; seed < 20; seed++) {
          const champion = side({ latency: latencies(latenciesOf(seed, { median, spread, n: 2_000 })) });
          const n = spread > 0.5 ? 500 : 200;
          const slow = latenciesOf(seed + 1_000, { median: 5 * median, spread, n });
          const breach = judge(counted({ candidate: side({ latency: latencies(slow) }), champion }), GUARDS);
          expect(breach?.guard, `spread ${spread}, seed ${seed}`).toBe("latency");
          expect(breach?.reason).toMatch(/\((median|95th percentile) [\d.]+ ms, the champion's /);
        }
    },
  );

  it("sees a version that is slow at times alone, and none by milliseconds that do not matter", () => {
    const champion = side({ latency: latencies(Array<number>(1_000).fill(1)) });
    const tail = latencies([...Array<number>(160).fill(1), ...Array<number>(40).fill(10)]);
    const breach = judge(counted({ candidate: side({ latency: tail }), champion }), GUARDS);
    expect(breach).toMatchObject({ guard: "latency", details: { place: "95th percentile" } });
    const quick = side({ latency: latencies(Array<number>(1_000).fill(0.1)) });
    const candidate = side({ latency: latencies(Array<number>(1_000).fill(0.5)) });
    expect(judge(counted({ candidate, champion: quick }), GUARDS)).toBeUndefined();
  });

  it("raises no false alarm for latency in 300 stages of 40 looks each", () => {
    let alarms = 0;
    for (let seed = 0; seed < 300; seed++) {
      const median = [0.1, 0.2, 0.4, 1, 3][seed % 5] ?? 1;
      const spread = [0.2, 0.5, 1][seed % 3] ?? 1;
      // Half as slow again as the champion, as one whose child is asked seldom.
      const slower = latenciesOf(seed, { median: 1.5 * median, spread, n: 1_000 });
      const all = latenciesOf(seed + 500, { median, spread, n: 4_000 });
      for (let look = 4; look <= 40; look++) {
        const candidate = side({ latency: latencies(slower.slice(0, 25 * look)) });
        const champion = side({ latency: latencies(all.slice(0, 100 * look)) });
        if (judge(counted({ candidate, champion }), GUARDS) !== undefined) alarms++;
      }
    }
    expect(alarms).toBe(0);
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

  it("takes answers that are a hair apart for no shift, however many they are", () => {
    const generator = createGenerator(3);
    const piled = (hair: number): PairSample =>
      Array.from({ length: 300 }, (_, i) => {
        const life = i % 6 === 0 ? 100 * generator.next() : 125;
        return [life, life === 125 ? 125 - hair : life];
      });
    expect(judge(counted({}, piled(0.5)), GUARDS)).toBeUndefined();
    expect(judge(counted({}, piled(20)), GUARDS)?.guard).toBe("score_shift");
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
