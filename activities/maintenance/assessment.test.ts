import { describe, expect, it } from "vitest";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import { maintenanceSchema } from "../../schemas/pipeline/maintenance.ts";
import { assess } from "./assessment.ts";
import type { AssessedCase } from "./assessment.ts";
import { outcomeLabel } from "./outcome-label.ts";

const T = Date.parse("2026-01-01T00:00:00Z");
const risky: Answer = {
  model: "pump",
  asset: "p1",
  version: 3,
  digest: "a".repeat(64),
  kind: "probability",
  value: 0.75,
  unit: null,
  holds: true,
  timeKind: "timestamp",
  t: T * 1_000,
  predictionId: "x",
  scoreId: null,
  at: "2026-01-01T00:00:01.000Z",
};
const short: Answer = {
  ...risky,
  kind: "remaining",
  value: 40,
  unit: "h",
  interval: { low: 30, high: 60, level: 0.9 },
};
const COSTS = { failure: 9_000, planned: 800, downtimePerHour: 100, failureHours: 10, plannedHours: 2 };

function given(over: Partial<AssessedCase> = {}, policy: object = {}): AssessedCase {
  return {
    answer: risky,
    policy: maintenanceSchema.parse({ costs: COSTS, leadTime: "2h", ...policy }),
    task: { kind: "failure_within", horizon: "48h" },
    assetClass: "turbine",
    reasons: [{ feature: "vibration_mean", value: 7, contribution: 2 }],
    reasonsMissing: null,
    calibrationError: 0.02,
    now: T,
    ...over,
  };
}

describe("an assessment", () => {
  it("of a probability within a horizon: by when, and the cost of waiting for its end", () => {
    const { due, costs, costsMissing } = assess(given());
    // 1 − 0.25^(τ/48) = 0.1 at τ = 3.648 h, less 2 h to arrange it.
    expect(due).toEqual({ by: "2026-01-01T01:38:53.067Z", risk: 0.1, isOverdue: false });
    expect(costs).toEqual({
      currency: "EUR",
      acting: 1_000,
      waiting: 0.75 * 10_000 + 0.25 * 1_000,
      probability: 0.75,
      until: 48,
      advice: "act",
      calibrationError: 0.02,
      basis: "constant hazard over the horizon",
    });
    expect(costsMissing).toBeNull();
  });

  it("of a remaining life: its interval is the distribution", () => {
    const { due, costs } = assess(
      given({ answer: short, task: { kind: "rul" } }, { opportunity: "30h", risk: 0.05 }),
    );
    expect(due?.by).toMatch(/^2026-01-02T0[34]:/);
    expect(costs?.probability).toBeCloseTo(0.05, 6);
    expect(costs).toMatchObject({ advice: "act", calibrationError: null });
    const cheap = { costs: { ...COSTS, failure: 0, failureHours: 0 } };
    expect(
      assess(given({ answer: short, task: { kind: "rul" } }, { opportunity: "30h", ...cheap })).costs?.advice,
    ).toBe("wait");
  });

  it("says what is too late, and counts cycles where time is one", () => {
    const late = {
      answer: { ...short, value: 1, interval: { low: 0, high: 3, level: 0.9 } },
      task: { kind: "rul" },
    } as const;
    expect(assess(given(late)).due).toEqual({ by: "2026-01-01T00:00:00.000Z", risk: 0.1, isOverdue: true });
    const cycle = {
      answer: { ...short, unit: "cycles", timeKind: "cycle", t: 100 },
      task: { kind: "rul" },
    } as const;
    expect(assess(given(cycle, { leadTime: 5, risk: 0.5 })).due?.by).toBe(135);
  });

  it.each([
    [
      "an anomaly",
      { answer: { ...risky, kind: "anomaly" }, task: { kind: "anomaly" } },
      {},
      "says nothing of how likely",
    ],
    ["a class", { task: { kind: "class" } }, {}, "says nothing of when"],
    ["no declared costs", {}, { costs: undefined }, "declares no maintenance.costs"],
    ["an unmeasured probability", { calibrationError: undefined }, {}, "calibrated"],
    ["no opportunity", { answer: short, task: { kind: "rul" } }, { leadTime: undefined }, "opportunity"],
  ] as const)("has no costs for %s, and says why", (_, over, policy, why) => {
    const { costs, costsMissing } = assess(given(over, policy));
    expect(costs).toBeNull();
    expect(costsMissing).toContain(why);
  });

  it.each([
    [{ critical: { assets: ["p*"] } }, true, "ask"],
    [{ critical: { classes: ["turb*"] } }, true, "ask"],
    [{ critical: { assets: ["q*"] } }, false, "order"],
    [{ others: "ask" }, false, "ask"],
  ] as const)("asks for whom: %o", (policy, isCritical, mode) => {
    expect(assess(given({}, policy))).toMatchObject({ isCritical, mode });
  });

  it("fills in the first action that fits, once", () => {
    const actions = [
      { class: "leak", do: "never" },
      { feature: "vibration*", do: "Grease {asset} ({feature}) {unknown} {by}" },
    ];
    const asset = "p1 {feature}";
    expect(assess(given({ answer: { ...risky, asset } }, { actions })).action).toBe(
      "Grease p1 {feature} (vibration_mean) {unknown} 2026-01-01T01:38:53Z",
    );
    expect(assess(given()).action).toBe("Inspect p1: pump@3 answers failure with probability 0.75.");
  });

  it.each([
    [{ horizon: "48h" }, "failure within 48h with probability 0.756"],
    [{ horizon: 30, timeKind: "cycle" }, "failure within 30 cycles with probability 0.756"],
    [{ class: "leak" }, "leak (probability 0.756)"],
    [{ kind: "anomaly" }, "anomaly score 0.756"],
    [
      {
        kind: "remaining",
        value: 1_234.5678,
        unit: "h",
        interval: { low: 999.951, high: 1_500.123, level: 0.9 },
      },
      "remaining life 1230 h (1000 to 1500)",
    ],
  ] as const)("tells of the answer in three digits, and of its horizon: %o", (over, text) => {
    const answer: Answer = { ...risky, value: 0.756_123_9, ...over };
    expect(assess(given({ answer }, { leadTime: undefined })).action).toBe(
      `Inspect p1: pump@3 answers ${text}.`,
    );
  });
});

describe("the label of an outcome", () => {
  const order = { id: "wo.1", asset: "p1", closedAt: "2026-01-03T00:00:00.000Z" };
  const CLOSED = Date.parse(order.closedAt) * 1_000;
  const failedAt = "2026-01-02T00:00:00Z";
  const FAILED = Date.parse(failedAt) * 1_000;

  it.each([
    [
      { result: "confirmed", failedAt, mode: "bearing" },
      { kind: "failure", t: FAILED, mode: "bearing" },
    ],
    [
      { result: "confirmed", seenAt: failedAt },
      { kind: "failure", t: FAILED },
    ],
    [{ result: "confirmed" }, { kind: "failure", t: CLOSED }],
    [
      { result: "replaced_part", part: "seal" },
      { kind: "replacement", t: CLOSED, mode: "seal" },
    ],
    [
      { result: "false_alarm", mode: "none" },
      { kind: "event_free", t: CLOSED, mode: null },
    ],
    [
      { result: "no_fault_found", seenAt: failedAt },
      { kind: "event_free", t: FAILED },
    ],
  ] as const)("%o is %o", (outcome, label) => {
    expect(outcomeLabel(order, outcome, risky)).toMatchObject({
      id: "work_order/wo.1",
      asset: "p1",
      source: "work_order",
      ...label,
    });
  });

  it("is none where nobody looked", () => {
    expect(outcomeLabel(order, { result: "not_done" }, risky)).toBeUndefined();
  });

  it("is of the newest answer's cycle where time is one", () => {
    const latest = { t: 120, timeKind: "cycle" } as const;
    expect(outcomeLabel(order, { result: "replaced_part" }, latest)).toMatchObject({
      t: 120,
      timeKind: "cycle",
    });
    expect(outcomeLabel(order, { result: "confirmed", failedAt: 118 }, latest)?.t).toBe(118);
  });
});
