import { expect, it } from "vitest";
import { zScoreOfNewest } from "./z-score.ts";

it("is that of SciPy with ddof 1", () => {
  // scipy.stats.zscore([1, 2, 3, 4, 10], ddof=1)[-1]
  expect(zScoreOfNewest([1, 2, 3, 4, 10])).toBeCloseTo(1.697056274847714, 12);
});

it.each([
  ["all equal", Array(20).fill(0.1), 0],
  ["ten values, as far out as can be", [...Array(9).fill(0), 1e9], 9 / Math.sqrt(10)],
  ["eleven values, as far out as can be", [...Array(10).fill(0), 1], 10 / Math.sqrt(11)],
  ["a large level", [...Array(10).fill(101_325), 101_326], 10 / Math.sqrt(11)],
])("%s", (_, values, expected) => {
  expect(zScoreOfNewest(values as number[])).toBeCloseTo(expected, 6);
});

it("says nothing of fewer than two", () => {
  expect([zScoreOfNewest([]), zScoreOfNewest([3])]).toEqual([Number.NaN, Number.NaN]);
});
