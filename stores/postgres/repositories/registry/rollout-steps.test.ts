import { describe, expect, it } from "vitest";
import { rolloutPlan, rolloutSchema } from "../../../../schemas/pipeline/rollout.ts";
import type { RolloutChange, RolloutRow } from "../../port/rollouts.ts";
import { afterChange, fittingChange } from "./rollout-steps.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const at = (ms: number): string => new Date(NOW + ms).toISOString();
const MINUTE = 60_000;

function rowOf(over: Partial<RolloutRow> = {}): RolloutRow {
  const declared = rolloutSchema.parse({
    shadow: { bake: "10m" },
    steps: [{ share: 5, bake: "10m" }],
    maxBake: "1h",
  });
  return {
    id: "r",
    model: "pump",
    version: 2,
    digest: "d",
    championVersion: 1,
    championDigest: "c",
    championNow: "c",
    approvalId: "a",
    workflowId: "w",
    runId: null,
    plan: rolloutPlan(declared, false),
    state: "running",
    stage: 0,
    mode: "shadow",
    share: 0,
    revision: 3,
    stageAt: at(0),
    bakeUntil: at(10 * MINUTE),
    remainingMs: null,
    isProlonged: false,
    guard: null,
    reason: null,
    requestedBy: "ada",
    startedAt: at(0),
    endedAt: null,
    unwatchedMs: 0,
    ...over,
  };
}

const change = (row: RolloutRow, given: RolloutChange, ms: number) => afterChange(row, given, NOW + ms);

describe("afterChange", () => {
  it("goes on to the next stage, and from the last to promotion", () => {
    const advance = { kind: "advanced", from: 3, reason: "" } as const;
    const canary = change(rowOf(), advance, 10 * MINUTE);
    expect(canary).toMatchObject({ stage: 1, mode: "canary", share: 5, revision: 4 });
    expect(canary?.bakeUntil).toBe(at(20 * MINUTE));
    expect(change(rowOf({ stage: 1 }), advance, 0)).toBeUndefined();
    const promoting = change(rowOf({ stage: 1 }), { kind: "promoting", from: 3, reason: "" }, 0);
    expect(promoting).toMatchObject({ state: "promoting", bakeUntil: null });
  });

  it("changes nothing that was decided on another revision, or after the end", () => {
    expect(change(rowOf(), { kind: "advanced", from: 2, reason: "" }, 0)).toBeUndefined();
    const over = rowOf({ state: "aborted", endedAt: at(0) });
    for (const kind of ["promoted", "continued", "aborted"] as const)
      expect(change(over, { kind, reason: "" }, 0)).toBeUndefined();
  });

  it("keeps what is left of a bake while it is paused", () => {
    const paused = change(rowOf(), { kind: "paused", reason: "night" }, 4 * MINUTE);
    expect(paused).toMatchObject({
      state: "paused",
      bakeUntil: null,
      remainingMs: 6 * MINUTE,
      reason: "night",
    });
    if (paused === undefined) throw new Error("not paused");
    expect(change(paused, { kind: "paused", reason: "again" }, 5 * MINUTE)).toBeUndefined();
    const again = change(paused, { kind: "continued", reason: "day" }, 100 * MINUTE);
    expect(again).toMatchObject({ state: "running", bakeUntil: at(106 * MINUTE), remainingMs: null });
  });

  it("gives a stage that was paused at its end its whole bake again", () => {
    const paused = change(rowOf(), { kind: "paused", from: 3, reason: "too few" }, 12 * MINUTE);
    expect(paused?.remainingMs).toBe(10 * MINUTE);
  });

  it("prolongs a stage by as long as it has lasted, up to its most", () => {
    const prolong = { kind: "prolonged", from: 3, reason: "" } as const;
    expect(change(rowOf(), prolong, 10 * MINUTE)).toMatchObject({
      bakeUntil: at(20 * MINUTE),
      isProlonged: true,
    });
    expect(change(rowOf(), prolong, 20 * MINUTE)?.bakeUntil).toBe(at(40 * MINUTE));
    expect(change(rowOf(), prolong, 40 * MINUTE)?.bakeUntil).toBe(at(60 * MINUTE));
    expect(change(rowOf(), prolong, 70 * MINUTE)?.bakeUntil).toBe(at(70 * MINUTE));
  });

  it("is not aborted while it is promoted, except by breaking the glass", () => {
    const promoting = rowOf({ state: "promoting", stage: 1 });
    expect(change(promoting, { kind: "aborted", reason: "" }, 0)).toBeUndefined();
    expect(change(promoting, { kind: "aborted", reason: "", isForced: true }, 0)?.state).toBe("aborted");
    const back = { kind: "rolled_back", guard: "promotion", reason: "no", details: {} } as const;
    expect(change(promoting, back, 0)).toMatchObject({
      state: "rolled_back",
      guard: "promotion",
      endedAt: at(0),
    });
  });

  it("ends as promoted where its version was made champion by hand, whatever speaks against it", () => {
    const arrived = rowOf({ championNow: "d" });
    const back = { kind: "rolled_back", guard: "latency", reason: "slow", details: {} } as const;
    const aborted = { kind: "aborted", reason: "no", isForced: true } as const;
    for (const given of [back, aborted]) {
      const fitting = fittingChange(arrived, given);
      expect(fitting).toEqual({ kind: "promoted", reason: `it is the champion already (${given.reason})` });
      expect(fittingChange(rowOf(), given)).toBe(given);
    }
    const pause = { kind: "paused", reason: "night" } as const;
    expect(fittingChange(arrived, pause)).toBe(pause);
  });
});
