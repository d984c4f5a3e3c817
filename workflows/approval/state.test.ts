import { describe, expect, it } from "vitest";
import { atDeadline, decidersOf, openState, reduceApproval } from "./state.ts";

describe("approval state", () => {
  it("mirrors a recorded approval", () => {
    const next = reduceApproval(openState(2), {
      kind: "recorded",
      row: { state: "waiting", decisions: [{ by: "ann", decision: "approve" }] },
    });
    expect(next).toEqual({ state: "waiting", approvals: ["ann"], quorum: 2, isEscalated: false });
  });

  it("never opens again once closed", () => {
    const rejected = reduceApproval(openState(1), {
      kind: "recorded",
      row: { state: "rejected", decisions: [{ by: "ben", decision: "reject" }] },
    });
    const late = reduceApproval(rejected, { kind: "recorded", row: { state: "waiting", decisions: [] } });
    expect(late.state).toBe("rejected");
  });

  it.each([
    ["approved", "approve", ["ann", "ben"]],
    ["rejected", "reject", ["ben"]],
    ["expired", "approve", []],
    ["waiting", "approve", []],
  ] as const)("names who decided what is %s", (state, decision, expected) => {
    const decisions = [
      { by: "ann", decision: "approve" },
      { by: "ben", decision },
    ] as const;
    const next = reduceApproval(openState(2), { kind: "recorded", row: { state, decisions } });
    expect(decidersOf(next)).toEqual(expected);
    const atItsDeadline = { kind: "recorded", row: { state, decisions: [] } } as const;
    expect(decidersOf(reduceApproval(openState(2), atItsDeadline))).toEqual([]);
  });

  it.each([
    ["expire", false, "expired"],
    ["reject", false, "rejected"],
    ["escalate", false, "escalate"],
    ["escalate", true, "expired"],
  ] as const)("deadline %s, escalated %s → %s", (policy, isEscalated, expected) => {
    expect(atDeadline({ ...openState(1), isEscalated }, policy)).toBe(expected);
  });
});
