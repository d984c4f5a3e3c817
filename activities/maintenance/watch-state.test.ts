import { describe, expect, it } from "vitest";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import { maintenanceSchema } from "../../schemas/pipeline/maintenance.ts";
import { isQuiet, observe, UNWATCHED } from "./watch-state.ts";
import type { WatchAround, WatchState } from "./watch-state.ts";

const policy = maintenanceSchema.parse({ withdrawAfter: 2 });
const quiet: WatchAround = { policy, isOpen: false, endedAt: undefined, hasFailed: false, now: 0 };

function answer(t: number, holds: boolean, over: Partial<Answer> = {}): Answer {
  return {
    model: "pump",
    asset: "p1",
    version: 1,
    digest: "a".repeat(64),
    kind: "probability",
    value: holds ? 0.9 : 0.1,
    unit: null,
    holds,
    timeKind: "timestamp",
    t,
    predictionId: `p${t}`,
    scoreId: null,
    at: "2026-01-01T00:00:00.000Z",
    ...over,
  };
}

/** Live answers, one reading each; `x` holds, `.` does not. */
function run(
  marks: string,
  from: WatchState = UNWATCHED,
  around = quiet,
  at = 1,
): { state: WatchState; changes: string[] } {
  let state = from;
  const changes: string[] = [];
  for (const [i, mark] of marks.split("").entries()) {
    const t = at + i;
    const place = { epoch: 0, ts: t, seq: 0, version: 1 };
    const step = observe(state, { answer: answer(t, mark === "x"), place }, around);
    if (step === undefined) throw new Error(`${t}: no news`);
    state = step.state;
    changes.push(step.change);
  }
  return { state, changes };
}

describe("answers of an asset", () => {
  it.each([
    ["x..x.", ["none", "none", "none", "none", "none"]],
    ["x.x", ["none", "none", "opened"]],
    ["xx", ["none", "opened"]],
    // The newest does not hold.
    [".xx.", ["none", "none", "opened", "none"]],
  ])("%s", (marks, changes) => expect(run(marks).changes).toEqual(changes));

  it("opens nothing anew until they recover", () => {
    const { state } = run("xx");
    expect(run("xxxx.x", state, quiet, 10).changes).not.toContain("opened");
    const recovered = run("...", state, quiet, 10);
    expect(isQuiet(recovered.state)).toBe(true);
    expect(run("xx", recovered.state, quiet, 20).changes).toEqual(["none", "opened"]);
  });

  it("opens one anew after `again`, though they never recovered", () => {
    const { state } = run("xx");
    const again = maintenanceSchema.parse({ again: "1h" });
    const around = { ...quiet, policy: again, endedAt: 1_000 };
    expect(run("x", state, { ...around, now: 1_000 + 3_599_999 }, 10).changes).toEqual(["none"]);
    expect(run("x", state, { ...around, now: 1_000 + 3_600_000 }, 10).changes).toEqual(["opened"]);
  });

  it("opens one anew an hour after one failed, and not after one that people ended", () => {
    const { state } = run("xx");
    const failed = { ...quiet, endedAt: 1_000, hasFailed: true };
    expect(run("x", state, { ...failed, now: 1_000 + 3_599_999 }, 10).changes).toEqual(["none"]);
    expect(run("x", state, { ...failed, now: 1_000 + 3_600_000 }, 10).changes).toEqual(["opened"]);
    expect(run("x", state, { ...failed, hasFailed: false, now: 1e12 }, 10).changes).toEqual(["none"]);
  });

  it("tells of recovery where one is open, and of nothing else", () => {
    const { state } = run("xx");
    const open = { ...quiet, isOpen: true };
    expect(run(".x..x", state, open, 10).changes).toEqual(["newer", "newer", "newer", "recovered", "newer"]);
    const never = { ...open, policy: maintenanceSchema.parse({}) };
    expect(run(".....", state, never, 10).changes).not.toContain("recovered");
  });

  it("counts a reading once, and once more by another version", () => {
    const place = { epoch: 1, ts: 5, seq: 0, version: 1 };
    const { state } = observe(UNWATCHED, { answer: answer(5, true), place }, quiet) ?? { state: UNWATCHED };
    expect(observe(state, { answer: answer(5, true), place }, quiet)).toBeUndefined();
    expect(observe(state, { answer: answer(4, true), place: { ...place, ts: 4 } }, quiet)).toBeUndefined();
    expect(observe(state, { answer: answer(5, true), place: { ...place, version: 2 } }, quiet)?.change).toBe(
      "opened",
    );
    // Another life of the asset, whose cycles begin anew.
    expect(
      observe(state, { answer: answer(1, true), place: { ...place, epoch: 2, ts: 1 } }, quiet)?.change,
    ).toBe("opened");
  });

  it("takes of fleet scores what is newer than everything before", () => {
    const fleet = (t: number, timeKind: Answer["timeKind"] = "timestamp") => ({
      answer: answer(t, true, { predictionId: null, scoreId: "s", timeKind }),
      place: null,
    });
    const { state } = observe(UNWATCHED, fleet(5), quiet) ?? { state: UNWATCHED };
    expect(observe(state, fleet(5), quiet)).toBeUndefined();
    expect(observe(state, fleet(3), quiet)).toBeUndefined();
    expect(observe(state, fleet(6), quiet)?.change).toBe("opened");
    expect(observe(state, fleet(1, "cycle"), quiet)?.change).toBe("opened");
  });
});
