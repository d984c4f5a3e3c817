import { describe, expect, it } from "vitest";
import { onlineSettings, onlineSchema } from "../schemas/pipeline/online.ts";
import { WindowChecks } from "./window-checks.ts";

const checksOf = (declared: object) =>
  new WindowChecks({
    columns: ["a", "b"],
    settings: onlineSettings(onlineSchema.parse(declared)),
    perRate: 1,
  });
const reasons = (checks: WindowChecks) => {
  const { whole, columns } = checks.faults();
  return [whole, ...columns.values()].filter((reason) => reason !== undefined);
};

describe("checks of the newest readings", () => {
  it("finds missing values by their share of the window, and forgets what left it", () => {
    const checks = checksOf({ window: 4, maxMissing: 0.5 });
    const push = (a: number | null) => checks.push(0, { a, b: 1 }, false);
    push(null);
    expect(reasons(checks)).toEqual([]);
    push(null);
    expect(reasons(checks)).toEqual(["a is not sent any more"]);
    push(1);
    push(null);
    expect(reasons(checks)).toEqual(["a is missing in 3 of the newest 4 readings"]);
    push(1);
    push(1);
    expect(reasons(checks)).toEqual([]);
  });

  it("finds a sensor that is stuck, where that is asked", () => {
    const checks = checksOf({ stuckAfter: { a: 3 } });
    for (let t = 0; t < 3; t++) checks.push(t, { a: 5, b: 5 }, false);
    expect(reasons(checks)).toEqual(["a is stuck at 5 for 3 readings"]);
    checks.push(3, { a: 6, b: 5 }, false);
    expect(reasons(checks)).toEqual([]);
  });

  it("finds a change that is too fast, also at one time and over missing values, while it is in the window", () => {
    const checks = checksOf({ window: 3, maxRate: { a: 2 } });
    const push = (t: number, a: number | null) => checks.push(t, { a, b: 1 }, false);
    push(0, 0);
    push(1, 2);
    expect(reasons(checks)).toEqual([]);
    push(1, 3);
    expect(reasons(checks)).toEqual(["a changed faster than it can"]);
    push(2, null);
    push(3, 7);
    expect(reasons(checks)).toEqual(["a changed faster than it can"]);
    push(4, 7);
    expect(reasons(checks)).toEqual([]);
  });

  it("finds readings that were left out by their share, and takes nothing from their values", () => {
    const checks = checksOf({ window: 4, maxBad: 0.5, stuckAfter: { a: 2 } });
    checks.push(0, { a: 1, b: 1 }, false);
    for (let t = 1; t < 4; t++) checks.push(t, { a: 1, b: null }, true);
    expect(reasons(checks)).toEqual(["3 of the newest 4 readings are not as declared"]);
  });
});
