import { expect, it } from "vitest";
import { ALLOWED_OPERATORS } from "./operator-allowlist.ts";
import { SHAPE_RULES } from "./sizes/shape-rules.ts";

it("of every operator that is allowed it is known what size it makes", () => {
  const all = Object.values(ALLOWED_OPERATORS).flatMap((names) => [...names]);
  expect(all.filter((name) => !SHAPE_RULES.has(name))).toEqual([]);
  expect([...SHAPE_RULES.keys()].filter((name) => !all.includes(name))).toEqual([]);
});
