import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isForgotten, observe, observeSilence, QUIET } from "./alarm-state.ts";
import type { AlarmChange, AlarmCondition, AlarmState, Verdict } from "./alarm-state.ts";

const PLAIN: AlarmCondition = { forMs: 0, gapMs: Infinity, hits: 1, of: 1 };

interface Seen {
  readonly at: number;
  readonly verdict: Verdict;
}

/** Changes by the time at which they were seen. */
function run(condition: AlarmCondition, seen: readonly Seen[], from: AlarmState = QUIET) {
  let state = from;
  const changes: { readonly at: number; readonly change: AlarmChange }[] = [];
  for (const one of seen) {
    const step = observe(state, condition, one);
    state = step.state;
    if (step.change !== undefined) changes.push({ at: one.at, change: step.change });
  }
  return { state, changes };
}

const series = (text: string, stepMs = 1_000): Seen[] =>
  text.split("").map((letter, i) => ({
    at: (i + 1) * stepMs,
    verdict: letter === "x" ? "breach" : letter === "-" ? "between" : "clear",
  }));
const told = (condition: AlarmCondition, text: string) =>
  run(condition, series(text)).changes.map(({ at, change }) => `${at / 1_000} ${change}`);

describe("an alarm", () => {
  it.each([
    [
      "fires at the first breach and clears beyond the hysteresis",
      PLAIN,
      ".x-x-.",
      ["2 raised", "6 cleared"],
    ],
    [
      "waits until it held for long enough",
      { ...PLAIN, forMs: 2_000 },
      ".xxxx.",
      ["2 pending", "4 raised", "6 cleared"],
    ],
    ["is withdrawn when it does not hold", { ...PLAIN, forMs: 3_000 }, ".xx-.", ["2 pending", "4 withdrawn"]],
    ["counts n of m", { ...PLAIN, hits: 3, of: 5 }, "x.x.x......", ["1 pending", "5 raised", "10 cleared"]],
    [
      "forgets what is m readings ago",
      { ...PLAIN, hits: 3, of: 4 },
      "x..x..x....",
      ["1 pending", "11 withdrawn"],
    ],
  ] as const)("%s", (_, condition, text, expected) => {
    expect(told(condition, text)).toEqual(expected);
  });

  it("does not fire over a gap, nor clear in one", () => {
    const condition = { ...PLAIN, forMs: 5_000, gapMs: 5_000 };
    const breach = (at: number): Seen => ({ at, verdict: "breach" });
    const { changes, state } = run(condition, [breach(1_000), breach(60_000), breach(64_000)]);
    expect(changes).toEqual([{ at: 1_000, change: "pending" }]);
    expect(state.since).toBe(60_000);
    const raised = run(condition, [breach(65_000)], state);
    expect(raised.changes).toEqual([{ at: 65_000, change: "raised" }]);
    expect(run(condition, [breach(900_000)], raised.state).changes).toEqual([]);
    expect(isForgotten(state, condition, { now: 69_000, heardAt: 64_000 })).toBe(false);
    expect(isForgotten(state, condition, { now: 69_001, heardAt: 64_000 })).toBe(true);
  });

  it("is not moved by what comes late", () => {
    const { state } = run(PLAIN, series("..x"));
    expect(observe(state, PLAIN, { at: 3_000, verdict: "clear" }).state).toBe(state);
    expect(observe(state, PLAIN, { at: 1, verdict: "clear" }).state).toBe(state);
  });
});

const conditions = fc
  .record({
    forMs: fc.integer({ min: 0, max: 20_000 }),
    gapMs: fc.integer({ min: 1, max: 10_000 }),
    of: fc.integer({ min: 1, max: 30 }),
    share: fc.integer({ min: 0, max: 29 }),
  })
  .map(({ share, ...rest }) => ({ ...rest, hits: 1 + (share % rest.of) }));
const histories = fc
  .array(
    fc.record({
      stepMs: fc.integer({ min: -500, max: 12_000 }),
      verdict: fc.constantFrom<Verdict>("breach", "between", "clear"),
    }),
    { maxLength: 120 },
  )
  .map((steps) => {
    let at = 1_000_000;
    return steps.map(({ stepMs, verdict }) => ({ at: (at += stepMs), verdict }));
  });

describe("of any history", () => {
  it("tells raised and cleared by turns, and withdraws only what is pending", () => {
    fc.assert(
      fc.property(conditions, histories, (condition, seen) => {
        let phase: AlarmState["phase"] = "quiet";
        for (const { change } of run(condition, seen).changes) {
          const from = {
            pending: ["quiet"],
            withdrawn: ["pending"],
            raised: ["quiet", "pending"],
            cleared: ["raised"],
          };
          expect(from[change]).toContain(phase);
          phase = change === "pending" || change === "raised" ? change : "quiet";
        }
      }),
    );
  });

  it("goes on after any stop as if there had been none", () => {
    fc.assert(
      fc.property(conditions, histories, fc.nat(120), (condition, seen, cut) => {
        const whole = run(condition, seen);
        const first = run(condition, seen.slice(0, cut));
        // As it is stored; what was read before the crash may come again.
        const stored = JSON.parse(JSON.stringify(first.state)) as AlarmState;
        const again = seen.slice(Math.max(0, cut - 1), cut);
        const rest = run(condition, [...again, ...seen.slice(cut)], stored);
        expect([...first.changes, ...rest.changes]).toEqual(whole.changes);
        expect(rest.state).toEqual(whole.state);
      }),
    );
  });

  it("raises only on a breach, with enough of them and nowhere a gap since it began", () => {
    fc.assert(
      fc.property(conditions, histories, (condition, seen) => {
        const newer: Seen[] = [];
        for (const one of seen) if (one.at > (newer.at(-1)?.at ?? 0)) newer.push(one);
        let state = QUIET;
        for (const [i, one] of newer.entries()) {
          const step = observe(state, condition, one);
          state = step.state;
          if (step.change !== "raised") continue;
          const held = newer.slice(0, i + 1).filter(({ at }) => at >= state.since);
          expect(held.filter(({ verdict }) => verdict === "breach").length).toBeGreaterThanOrEqual(
            condition.hits,
          );
          expect(one.at - state.since).toBeGreaterThanOrEqual(condition.forMs);
          held
            .slice(1)
            .forEach(({ at }, k) => expect(at - (held[k] as Seen).at).toBeLessThanOrEqual(condition.gapMs));
        }
      }),
    );
  });
});

describe("silence", () => {
  const look = (state: AlarmState, at: number, heardAt: number | null, listeningSince = 0) =>
    observeSilence(state, 1_000, { at, heardAt, listeningSince, goneSince: null });

  it("fires at its deadline, once, and clears with the next reading", () => {
    const pending = look(QUIET, 850, 100);
    expect(pending.change).toBe("pending");
    const raised = look(pending.state, 1_100, 100);
    expect(raised.change).toBe("raised");
    expect(look(raised.state, 9_000, 100).change).toBeUndefined();
    expect(look(raised.state, 9_100, 9_050).change).toBe("cleared");
  });

  it("does not count while nobody listened, which is no sign of life either", () => {
    expect(look(QUIET, 50_000, 100, 49_900).change).toBeUndefined();
    const raised = look(QUIET, 1_100, 100);
    expect(look(raised.state, 50_000, 100, 49_900).change).toBeUndefined();
    expect(look(QUIET, 51_000, null, 49_900).change).toBe("raised");
  });

  it("is there at once for who said farewell, and until the next reading, which is stronger", () => {
    const gone = (state: AlarmState, at: number, heardAt: number | null, goneSince: number) =>
      observeSilence(state, 1_000, { at, heardAt, goneSince, listeningSince: 0 });
    const raised = gone(QUIET, 210, 100, 200);
    expect(raised).toMatchObject({ change: "raised", state: { since: 200 } });
    expect(gone(raised.state, 5_000, 100, 200).change).toBeUndefined();
    expect(gone(raised.state, 5_100, 5_050, 200).change).toBe("cleared");
    expect(gone(QUIET, 310, 300, 200).change).toBeUndefined();
    expect(gone(QUIET, 50_000, null, 200).change).toBe("raised");
  });

  it("stays dismissed until something is heard, and fires anew after that", () => {
    const { state: raised } = look(QUIET, 1_100, 100);
    const dismissed: AlarmState = { ...raised, phase: "dismissed" };
    expect(look(dismissed, 90_000, 100)).toEqual({ state: dismissed });
    const heard = look(dismissed, 90_100, 90_050);
    expect(heard).toMatchObject({ state: { phase: "quiet" } });
    expect(heard.change).toBeUndefined();
    expect(look(heard.state, 91_100, 90_050).change).toBe("raised");
  });
});
