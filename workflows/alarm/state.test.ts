import { describe, expect, it } from "vitest";
import { afterEvent, afterTimer, dueTimer, NEW_ALARM, untilTimer } from "./state.ts";
import type { AlarmHappening } from "./state.ts";

const times = { againMs: 1_000, escalateMs: 2_500, settleMs: 500 };
const event = (eventId: number, kind: AlarmHappening["kind"]): AlarmHappening => ({
  eventId,
  kind,
  alertId: kind === "pending" || kind === "withdrawn" ? null : 7,
  message: "m",
  times,
});

describe("an alarm", () => {
  it("goes from pending over raised and acknowledged to over, and takes each event once", () => {
    let state = NEW_ALARM;
    const phases = (["pending", "raised", "acknowledged", "cleared"] as const).map((kind, i) => {
      state = afterEvent(state, event(i + 1, kind), 0);
      expect(afterEvent(state, event(i + 1, "raised"), 9)).toBe(state);
      return state.phase;
    });
    expect(phases).toEqual(["pending", "raised", "acknowledged", "over"]);
    expect(afterEvent(state, event(5, "raised"), 0).phase).toBe("raised");
  });

  it("reminds again and again, and escalates once, until somebody acknowledges", () => {
    let state = afterEvent(NEW_ALARM, event(1, "raised"), 0);
    expect([untilTimer(state, 0), dueTimer(state, 999)]).toEqual([1_000, undefined]);
    expect(dueTimer(state, 1_000)).toBe("again");
    state = afterTimer(state, "again", 1_000);
    expect([state.nReminders, untilTimer(state, 1_000)]).toEqual([1, 1_000]);
    expect(dueTimer(state, 2_500)).toBe("escalate");
    state = afterTimer(state, "escalate", 2_500);
    expect(dueTimer(state, 2_500)).toBe("again");
    state = afterEvent(state, event(2, "acknowledged"), 2_600);
    expect(untilTimer(state, 2_600)).toBeUndefined();
  });

  it("looks at what is pending for too long", () => {
    const state = afterEvent(NEW_ALARM, event(1, "pending"), 0);
    expect(dueTimer(state, 500)).toBe("settle");
    expect(untilTimer(afterTimer(state, "settle", 500), 500)).toBe(500);
  });
});
