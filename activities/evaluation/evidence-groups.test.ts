import { expect, it } from "vitest";
import { evidenceGroups } from "./evidence-groups.ts";

it("keeps assets, and cuts a single one into blocks that follow each other", () => {
  const two = Int32Array.of(0, 0, 1);
  expect(evidenceGroups(two)).toEqual(two);
  const one = evidenceGroups(new Int32Array(40).fill(3));
  expect([...one].slice(0, 5)).toEqual([0, 0, 1, 1, 2]);
  expect(new Set(one).size).toBe(20);
  expect(evidenceGroups(new Int32Array())).toHaveLength(0);
});
