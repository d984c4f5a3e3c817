import { describe, expect, it } from "vitest";
import { decidingStep, nextLookMs, workingStep } from "./state.ts";

const approved = { approvalId: "a", outcome: "approved", decidedBy: ["ann"] } as const;
const waiting = { state: "waiting", isRecovered: false } as const;
const quiet = { approval: undefined, standing: waiting, isPastDeadline: false, isToldOverdue: false };

describe("while people decide", () => {
  it.each([
    ["nothing", {}, "wait"],
    ["an approval", { approval: approved }, "order"],
    ["a rejection", { approval: { ...approved, outcome: "rejected" } }, "rejected"],
    ["an expiry", { approval: { ...approved, outcome: "expired" } }, "expired"],
    ["a recovery", { standing: { ...waiting, isRecovered: true } }, "withdraw"],
    [
      "an approval beside a recovery",
      { approval: approved, standing: { ...waiting, isRecovered: true } },
      "order",
    ],
    ["a deadline", { isPastDeadline: true }, "tell-overdue"],
    ["a deadline that was told of", { isPastDeadline: true, isToldOverdue: true }, "wait"],
  ] as const)("%s leads to %s", (_, change, step) => {
    expect(decidingStep({ ...quiet, ...change })).toBe(step);
  });
});

describe("looks by itself", () => {
  /** Timer, workflow tasks and activity. */
  const EVENTS_A_LOOK = 11;
  const MOST_EVENTS = 51_200;
  const YEAR_MS = 365 * 86_400_000;

  it("come ever more seldom, so that nobody's decision outlives the history", () => {
    const looks: number[] = [];
    for (let at = 0; at < 5 * YEAR_MS; at += nextLookMs(looks.length - 1)) looks.push(at);
    expect(looks.slice(0, 4)).toEqual([0, 15, 45, 105].map((minutes) => minutes * 60_000));
    expect(looks.length * EVENTS_A_LOOK).toBeLessThan(MOST_EVENTS);
  });

  it("still come twice a day", () => {
    expect(nextLookMs(6)).toBe(12 * 3_600_000);
    expect(nextLookMs(5_000)).toBe(12 * 3_600_000);
  });
});

describe("while the work is done", () => {
  it.each([
    [{ state: "created", isToSend: true }, "send"],
    [{ state: "created", isToSend: false }, "wait"],
    [{ state: "in_progress", isToSend: false }, "wait"],
    [{ state: "closed", isToSend: false }, "settle"],
  ] as const)("%o leads to %s", (standing, step) => {
    expect(workingStep({ workOrderId: "wo", ...standing })).toBe(step);
  });
});
