import { expect, it } from "vitest";
import { matrixFromRows } from "../../numerics/matrix.ts";
import { hideColumns } from "./chosen-columns.ts";

const NAMES = ["s1_mean_5", "s1_mean_30", "temp [°C]", "age"];
const matrix = matrixFromRows(
  [
    [1, 2, 3, 4],
    [5, NaN, 7, 8],
  ],
  4,
);

const cases: readonly [string, string, number[]][] = [
  ["one name", "age", [0, 0, 0, 4, 0, 0, 0, 8]],
  ["a window", "*_mean_5", [1, 0, 0, 0, 5, 0, 0, 0]],
  ["several, missing values too", " *_mean_*  age ", [1, 2, 0, 4, 5, NaN, 0, 8]],
  ["a blank and brackets in a name", "temp?[°C]", [0, 0, 3, 0, 0, 0, 7, 0]],
];
it.each(cases)("sees %s", (_name, patterns, seen) => {
  expect([...hideColumns(matrix, NAMES, patterns).data]).toEqual(seen);
});

it("copies nothing where all are seen, and refuses to see none", () => {
  expect(hideColumns(matrix, NAMES, "*")).toBe(matrix);
  expect(() => hideColumns(matrix, NAMES, "s2_*")).toThrow(
    new RangeError("features must match one of the 4 features or more, got s2_*"),
  );
});
