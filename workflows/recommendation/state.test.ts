import { describe, expect, it } from "vitest";
import { decidingStep, workingStep } from "./state.ts";

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
