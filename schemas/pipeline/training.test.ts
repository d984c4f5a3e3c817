import { expect, it } from "vitest";
import { foldsInTime, splitSchema } from "./training.ts";

const late = { holdout: { by: "time" } } as const;
const by = (kind: "group" | "time") => ({ ...late, by: kind });

it.each([
  ["a fleet", late, "failure_within", {}, true, false],
  ["a fleet that asks for it", by("time"), "failure_within", {}, true, true],
  ["a series without assets", late, "class", {}, false, true],
  ["a series that asks for rows", by("group"), "class", {}, false, false],
  ["a table without a time", {}, "class", {}, false, false],
  ["a forecast", late, "forecast", {}, true, true],
  ["capped lives of one machine", late, "rul", { cap: 125 }, false, true],
  ["lives of one machine that end whenever", late, "rul", {}, false, false],
] as const)("folds of %s are cut by what they are", (_name, split, kind, label, hasAsset, expected) => {
  expect(foldsInTime({ split: splitSchema.parse(split), task: { kind }, label }, hasAsset)).toBe(expected);
});
