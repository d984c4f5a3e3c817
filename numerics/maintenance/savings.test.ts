import { describe, expect, it } from "vitest";
import { alarmTimes } from "./alarm-times.ts";
import { realizedSavings } from "./realized.ts";
import { bestAge, liveByModel, replacedAt, simulateSavings } from "./savings.ts";
import type { Life } from "./savings.ts";

const costs = { failure: 1_000, planned: 100, inspection: 10, unusedLife: 0 };
const life = (over: Partial<Life> = {}): Life => ({
  asset: "a",
  begin: 0,
  entry: 0,
  end: 100,
  hasFailed: true,
  alarms: [],
  ...over,
});

describe("alarms of a life", () => {
  it.each([
    ["x.xx....xx", { hits: 2, of: 3 }, [2, 9]],
    ["xxxxxxxx", { hits: 2, of: 3 }, [1]],
    ["x", { hits: 1, of: 1 }, [0]],
    ["x.x.x.", { hits: 1, of: 1 }, [0, 2, 4]],
    ["xxxxxxxx", { hits: 1, of: 1, again: 3 }, [0, 3, 6]],
    ["xx...xxx", { hits: 1, of: 2, again: 6 }, [0, 5]],
    ["", { hits: 1, of: 1 }, []],
  ])("%s", (marks, repeat, expected) => {
    const holds = marks.split("").map((mark) => mark === "x");
    expect(alarmTimes(Array.from(holds.keys()), holds, repeat)).toEqual(expected);
  });
});

describe("a life under the model", () => {
  const within = { lead: 5, horizon: 20 };

  it.each([
    ["no alarm", life(), within, { outcome: "missed", cost: 1_000, lived: 100 }],
    [
      "an alarm in time",
      life({ alarms: [85] }),
      within,
      { outcome: "prevented", cost: 100, lived: 90, warning: 15 },
    ],
    [
      "an alarm too late for the work",
      life({ alarms: [96] }),
      within,
      { outcome: "late", cost: 1_000, lived: 100 },
    ],
    [
      "an alarm long before",
      life({ alarms: [10, 90] }),
      within,
      { outcome: "prevented", cost: 110, lived: 95, nFalseAlarms: 1 },
    ],
    ["a healthy life", life({ hasFailed: false }), within, { outcome: "survived", cost: 0, lived: 100 }],
    ["a false alarm", life({ hasFailed: false, alarms: [10] }), within, { outcome: "survived", cost: 10 }],
    // Whether it would have failed by 110, nobody knows.
    [
      "an alarm at the end of what was seen",
      life({ hasFailed: false, alarms: [85] }),
      within,
      { cost: 0, nFalseAlarms: 0 },
    ],
    [
      "a part replaced on its word",
      life({ alarms: [10] }),
      { lead: 5, horizon: null },
      { outcome: "prevented", lived: 15 },
    ],
    ["a late start of what is judged", life({ entry: 60, alarms: [85] }), within, { lived: 30 }],
  ] as const)("%s", (_, given, policy, expected) => {
    expect(liveByModel(given, policy, costs)).toMatchObject(expected);
  });

  it("pays for the life that is thrown away", () => {
    const given = life({ alarms: [85] });
    expect(liveByModel(given, within, { ...costs, unusedLife: 3 }).cost).toBe(130);
  });
});

describe("strategies beside each other", () => {
  it("replaces at an age, and leaves out lives that would not have been", () => {
    const lives = [life(), life({ end: 40 }), life({ entry: 60 })];
    expect(replacedAt(lives, 50, costs)).toEqual({ cost: 1_100, lived: 90, failures: 1, works: 1 });
  });

  it("finds the best age, or that there is none", () => {
    expect(bestAge([life({ end: 100 }), life({ end: 101 }), life({ end: 99 })], costs)).toBe(99);
    expect(bestAge([life()], { ...costs, planned: 1_000 })).toBe(Infinity);
  });

  it("counts what the model saves of each time in operation", () => {
    const lives = Array.from({ length: 8 }, (_, i) =>
      life({ asset: `a${i}`, end: 100 + 10 * i, alarms: [90 + 10 * i] }),
    );
    const savings = simulateSavings(lives, { policy: { lead: 0, horizon: 20 }, costs, seed: 1 });
    // Mean life 135 at 1,000 against 125 at 100.
    expect(savings.overRunToFailure).toBeCloseTo(1 - 100 / 125 / (1_000 / 135), 12);
    expect(savings.model).toEqual({ cost: 800, lived: 1_000, failures: 0, works: 8 });
    expect(savings.fixedAge.age).toBe(100);
    const { low, high } = savings.intervals["overRunToFailure"] ?? { low: NaN, high: NaN };
    expect(low).toBeLessThanOrEqual(savings.overRunToFailure);
    expect(high).toBeGreaterThanOrEqual(savings.overRunToFailure);
    expect(simulateSavings(lives, { policy: { lead: 0, horizon: 20 }, costs, seed: 1 })).toEqual(savings);
  });

  it("refuses no lives, and has no interval for one asset", () => {
    const given = { policy: { lead: 0, horizon: 20 }, costs, seed: 1 };
    expect(() => simulateSavings([], given)).toThrow(RangeError);
    expect(simulateSavings([life()], given).intervals).toEqual({});
  });
});

describe("what closed orders came to", () => {
  it("counts them with the declared costs, beside nothing done", () => {
    const works = [
      { result: "confirmed", hours: 10 },
      { result: "replaced_part", hours: 20, cost: 90 },
      { result: "replaced_part", hours: 30 },
      // Nothing is a cost as well.
      { result: "false_alarm", hours: 40, cost: 0 },
      { result: "not_done", hours: 50 },
    ] as const;
    const row = (of: object) => {
      return { orders: 1, declaredCost: 0, reporting: 0, reportedCost: null, declaredOfReporting: 0, ...of };
    };
    expect(realizedSavings(works, costs)).toEqual({
      outcomes: { confirmed: 1, replaced_part: 2, false_alarm: 1, not_done: 1 },
      byOutcome: [
        row({ result: "confirmed", declaredCost: 1_000 }),
        row({
          result: "replaced_part",
          orders: 2,
          declaredCost: 200,
          reporting: 1,
          reportedCost: 90,
          declaredOfReporting: 100,
        }),
        row({
          result: "false_alarm",
          declaredCost: 10,
          reporting: 1,
          reportedCost: 0,
          declaredOfReporting: 10,
        }),
        row({ result: "not_done" }),
      ],
      precision: 0.75,
      medianHours: 30,
      reporting: 2,
      reportedCost: 90,
      declaredOfReporting: 110,
      cost: 1_210,
      costIfNothingWasDone: 3_000,
    });
  });

  it("is nothing where there are none", () => expect(realizedSavings([], costs)).toBeNull());
});
