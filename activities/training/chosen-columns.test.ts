import { expect, it } from "vitest";
import { chosenColumns } from "./chosen-columns.ts";

const NAMES = ["s1_mean_5", "s1_mean_30", "temp [°C]", "age"];

const cases: readonly [string, string, number[]][] = [
  ["one name", "age", [3]],
  ["a window", "*_mean_5", [0]],
  ["several", " *_mean_*  age ", [0, 1, 3]],
  ["a blank and brackets in a name", "temp?[°C]", [2]],
];
it.each(cases)("chooses %s", (_name, patterns, columns) => {
  expect(chosenColumns(NAMES, patterns)).toEqual(columns);
});

it("tells where all are chosen, and refuses to choose none", () => {
  expect(chosenColumns(NAMES, "*")).toBeNull();
  expect(() => chosenColumns(NAMES, "s2_*")).toThrow(
    new RangeError("features must match one of the 4 features or more, got s2_*"),
  );
});
