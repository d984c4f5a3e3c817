import { describe, expect, it } from "vitest";
import { guardsSchema } from "../../schemas/pipeline/rollout.ts";
import { compareQuality } from "./quality.ts";

const GUARDS = guardsSchema.parse({});

const realized = (metric: string, value: number, halfWidth: number, labelled = 500) => ({
  primaryMetric: metric,
  metrics: { [metric]: value },
  intervals: { [metric]: [value - halfWidth, value + halfWidth] as const },
  labelled,
});

describe("compareQuality", () => {
  it.each([
    ["a fifth worse", "rmse", 12, 10, 0.5, true],
    ["a fifth worse, where higher is better", "rocAuc", 0.72, 0.9, 0.02, true],
    ["a fifth better", "rmse", 8, 10, 0.5, false],
    ["worse by less than is borne", "rmse", 10.9, 10, 0.05, false],
    ["worse as chance may have it", "rmse", 12, 10, 2, false],
  ])("%s", (_name, metric, candidate, champion, halfWidth, isBreach) => {
    const breach = compareQuality(
      realized(metric, candidate, halfWidth),
      realized(metric, champion, halfWidth),
      GUARDS,
    );
    expect(breach?.guard === "quality").toBe(isBreach);
  });

  it("says nothing of few labels, of a metric that neither has, or where it is off", () => {
    const bad = realized("rmse", 20, 0.5, 49);
    const good = realized("rmse", 10, 0.5);
    expect(compareQuality(bad, good, GUARDS)).toBeUndefined();
    expect(compareQuality(good, bad, GUARDS)).toBeUndefined();
    const none = { ...good, metrics: {}, intervals: {} };
    expect(compareQuality({ ...none, labelled: 500 }, good, GUARDS)).toBeUndefined();
    const off = { ...GUARDS, quality: false as const };
    expect(compareQuality(realized("rmse", 20, 0.5), good, off)).toBeUndefined();
  });
});
