import { describe, expect, it } from "vitest";
import { pearson, spearman } from "./correlation.ts";
import { chiSquareTail } from "./chi-square.ts";
import { binIndex, histogram } from "./histogram.ts";
import { mean, standardDeviation, variance } from "./moments.ts";
import { quantile } from "./quantile.ts";
import { averageRanks } from "./rank.ts";
import { hashText } from "./string-hash.ts";
import { compensatedSum } from "./sum.ts";

describe("compensatedSum", () => {
  it.each([
    ["empty", [], 0],
    ["one value", [3], 3],
    ["cancelling large terms", [1, 1e100, 1, -1e100], 2],
    ["many tenths", Array.from({ length: 10 }, () => 0.1), 1],
    ["infinity", [1, Number.POSITIVE_INFINITY, 1], Number.POSITIVE_INFINITY],
    ["NaN", [1, Number.NaN], Number.NaN],
  ])("%s", (_name, values, expected) => {
    expect(compensatedSum(values)).toBe(expected);
  });
});

describe("moments", () => {
  it("gives zero variance for equal values whatever their size", () => {
    expect(variance([0.1, 0.1, 0.1])).toBe(0);
    expect(variance(new Float64Array(5).fill(1e16))).toBe(0);
  });
  it("uses ddof", () => {
    expect(variance([1, 2, 3, 4])).toBe(1.25);
    expect(variance([1, 2, 3, 4], 1)).toBeCloseTo(5 / 3, 15);
    expect(standardDeviation([1, 3])).toBe(1);
  });
  it("refuses empty and one row with ddof 1", () => {
    expect(() => mean([])).toThrow(RangeError);
    expect(() => variance([1], 1)).toThrow(RangeError);
    expect(() => variance([])).toThrow(RangeError);
  });
});

describe("quantile, type 7", () => {
  it.each([
    ["one value", [5], 0.3, 5],
    ["interpolated", [1, 2, 3, 4], 0.25, 1.75],
    ["lowest", [4, 1, 2], 0, 1],
    ["highest", [4, 1, 2], 1, 4],
    ["all equal", [2, 2, 2], 0.9, 2],
  ])("%s", (_name, values, p, expected) => {
    expect(quantile(values, p)).toBe(expected);
  });
  it("refuses empty, NaN and p outside [0, 1]", () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow(RangeError);
    expect(() => quantile([1], 1.1)).toThrow(RangeError);
  });
});

describe("histogram", () => {
  it("closes bins above and counts missing and infinite values", () => {
    const { counts, missing } = histogram([1, 1.5, 2, 3, Number.NaN, Number.NEGATIVE_INFINITY], [1, 2]);
    expect([...counts]).toEqual([2, 2, 1]);
    expect(missing).toBe(1);
    expect(binIndex([], 5)).toBe(0);
  });
  it("refuses edges that do not ascend", () => {
    expect(() => histogram([1], [2, 2])).toThrow(RangeError);
  });
});

describe("ranks and correlation", () => {
  it("shares ranks among ties", () => {
    expect([...averageRanks([10, 20, 10, 30])]).toEqual([1.5, 3, 1.5, 4]);
    expect([...averageRanks([])]).toEqual([]);
  });
  it("is undefined for a constant side or one row, and refuses NaN", () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(pearson([1], [1])).toBeNaN();
    expect(() => spearman([1, Number.NaN], [1, 2])).toThrow(RangeError);
  });
  it("is 1 for any increasing map", () => {
    expect(spearman([1, 2, 3, 4], [1, 10, 100, 1000])).toBeCloseTo(1, 15);
  });
});

describe("chiSquareTail", () => {
  it("meets the closed forms of 1 and 2 degrees", () => {
    expect(chiSquareTail(0, 3)).toBe(1);
    expect(chiSquareTail(4, 2)).toBeCloseTo(Math.exp(-2), 14);
    expect(chiSquareTail(3.841458820694124, 1)).toBeCloseTo(0.05, 12);
  });
});

describe("hashText", () => {
  it("is stable for ever: stored holdouts depend on it", () => {
    expect(hashText(1, "engine-1")).toBe(hashText(1, "engine-1"));
    expect(hashText(1, "engine-1")).not.toBe(hashText(2, "engine-1"));
    expect([hashText(0, ""), hashText(7, "a"), hashText(7, "Ωmega-7")]).toMatchInlineSnapshot(`
      [
        4096246697268849,
        3401968812306883,
        914078817099837,
      ]
    `);
  });
  it("spreads near ids evenly", () => {
    let low = 0;
    for (let i = 0; i < 4000; i++) if (hashText(3, `unit-${i}`) < 2 ** 52) low++;
    expect(Math.abs(low - 2000)).toBeLessThan(130);
  });
});
