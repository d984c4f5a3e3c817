import { expect, it } from "vitest";
import { ownGates } from "./gates.ts";

it("holds a version that is in use against the bounds of the file of today", () => {
  const checks = [{ name: "overlap", passed: true, detail: "none" }];
  const evaluation = { metrics: { test: { rmse: 12 }, cv: {} }, checks };
  const gates = (max: number) => ownGates({ gates: [{ metric: "rmse", on: "test", max }] }, evaluation);
  expect(gates(20).map(({ name, passed }) => [name, passed])).toEqual([
    ["overlap", true],
    ["rmse on test", true],
  ]);
  expect(gates(10)[1]).toMatchObject({ name: "rmse on test", passed: false });
});
