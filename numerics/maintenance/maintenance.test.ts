import { describe, expect, it } from "vitest";
import { normalCdf } from "../stats/normal.ts";
import { normalQuantile } from "../stats/normal-quantile.ts";
import { expectedCost } from "./expected-cost.ts";
import { probabilityWithin, remainingLife, timeAtRisk, unusedLifeAt, withinHorizon } from "./failure-time.ts";

describe("normal quantiles", () => {
  // scipy.stats.norm.ppf
  it.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.95, 1.6448536269514722],
    [0.01, -2.3263478740408408],
    [1e-6, -4.753424308822899],
  ])("of %s is %s", (p, z) => expect(normalQuantile(p)).toBeCloseTo(z, 7));

  it("undo the distribution", () => {
    for (const p of [0.001, 0.02, 0.3, 0.7, 0.98]) expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 6);
  });

  it.each([0, 1, Number.NaN])("refuse %s", (p) => expect(() => normalQuantile(p)).toThrow(RangeError));
});

describe("when an asset fails", () => {
  it("is a constant hazard of a probability within a horizon", () => {
    const time = withinHorizon(0.75, 48);
    expect(probabilityWithin(time, 48)).toBeCloseTo(0.75, 12);
    expect(probabilityWithin(time, 24)).toBeCloseTo(0.5, 12);
    expect(probabilityWithin(time, 0)).toBe(0);
    expect(probabilityWithin(time, -1)).toBe(0);
    expect(probabilityWithin(time, timeAtRisk(time, 0.1))).toBeCloseTo(0.1, 12);
  });

  it("is never where the probability is 0, and soon where it is 1", () => {
    expect(timeAtRisk(withinHorizon(0, 10), 0.1)).toBe(Infinity);
    expect(timeAtRisk(withinHorizon(1, 10), 0.1)).toBeLessThan(0.1);
  });

  it("has the interval of a remaining life for quantiles", () => {
    const time = remainingLife(100, { low: 80, high: 160, level: 0.9 });
    expect(probabilityWithin(time, 80)).toBeCloseTo(0.05, 6);
    expect(probabilityWithin(time, 100)).toBeCloseTo(0.5, 6);
    expect(probabilityWithin(time, 160)).toBeCloseTo(0.95, 6);
    expect(timeAtRisk(time, 0.05)).toBeCloseTo(80, 6);
    expect(timeAtRisk(time, 0.95)).toBeCloseTo(160, 6);
  });

  it("takes a remaining life without an interval at its word", () => {
    const time = remainingLife(20);
    expect([probabilityWithin(time, 19), probabilityWithin(time, 20), probabilityWithin(time, 21)]).toEqual([
      0, 1, 1,
    ]);
    expect(timeAtRisk(time, 0.1)).toBe(20);
    expect([unusedLifeAt(time, 0), unusedLifeAt(time, 15), unusedLifeAt(time, 30)]).toEqual([20, 5, 0]);
  });

  it("is now where a remaining life is below 0", () => {
    expect(timeAtRisk(remainingLife(-3), 0.1)).toBe(0);
  });
});

describe("expected costs", () => {
  it("weigh a failure by its probability", () => {
    const costs = { failure: 10_000, planned: 1_000, unusedLife: 0 };
    expect(expectedCost(withinHorizon(0.75, 48), costs, 24)).toEqual({
      acting: 1_000,
      waiting: expect.closeTo(5_500, 6),
      probability: expect.closeTo(0.5, 12),
    });
  });

  it("count the life that is thrown away, now and then", () => {
    const costs = { failure: 5_000, planned: 1_000, unusedLife: 10 };
    const cost = expectedCost(remainingLife(100), costs, 60);
    expect(cost).toEqual({ acting: 2_000, waiting: 1_400, probability: 0 });
  });

  it("refuse an opportunity that was", () => {
    const costs = { failure: 1, planned: 1, unusedLife: 0 };
    expect(() => expectedCost(remainingLife(1), costs, 0)).toThrow(RangeError);
  });
});
