import { describe, expect, it } from "vitest";
import { createMatrix } from "../matrix.ts";
import { createGenerator } from "../random/generator.ts";
import { binRowsWide, findBin, fitBins, MISSING_BIN } from "./binning.ts";

const fit = (values: readonly number[], options: { maxBin?: number; minDataInBin?: number } = {}) => {
  const matrix = createMatrix(Float64Array.from(values), values.length, 1);
  const rows = Int32Array.from(values, (_, row) => row);
  const mapper = fitBins(matrix, rows, {
    maxBin: options.maxBin ?? 255,
    minDataInBin: options.minDataInBin ?? 1,
    sampleRows: 200_000,
    generator: createGenerator(1),
  });
  return { bounds: [...mapper.upperBounds[0]], bins: [...binRowsWide(matrix, rows, { mapper })] };
};

describe("fitBins", () => {
  it("gives few distinct values a bin each, borders halfway", () => {
    expect(fit([3, 1, 2, 1])).toEqual({ bounds: [1.5, 2.5, Number.MAX_VALUE], bins: [3, 1, 2, 1] });
  });

  it.each([
    ["empty", [], [Number.MAX_VALUE], []],
    ["one row", [7], [Number.MAX_VALUE], [1]],
    ["all equal", [7, 7, 7], [Number.MAX_VALUE], [1, 1, 1]],
    ["all missing", [Number.NaN, Number.NaN], [Number.MAX_VALUE], [MISSING_BIN, MISSING_BIN]],
    ["both zeros", [0, -0, 1], [0.5, Number.MAX_VALUE], [1, 1, 2]],
    ["huge values", [-1.7e308, 1.7e308], [0, Number.MAX_VALUE], [1, 2]],
    ["the largest double", [1, Number.MAX_VALUE], [Number.MAX_VALUE / 2, Number.MAX_VALUE], [1, 2]],
    ["neighbouring doubles", [1, 1 + Number.EPSILON], [1, Number.MAX_VALUE], [1, 2]],
  ])("handles %s", (_name, values, bounds, bins) => {
    expect(fit(values)).toEqual({ bounds, bins });
  });

  it("joins values until a bin has its least rows", () => {
    expect(fit([1, 2, 3, 4, 5, 6], { minDataInBin: 2 }).bins).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it("spreads many values evenly and keeps a frequent one apart", () => {
    const generator = createGenerator(4);
    const values = Array.from({ length: 4000 }, (_, row) => (row % 4 === 0 ? 0 : generator.normal()));
    const { bounds, bins } = fit(values, { maxBin: 50, minDataInBin: 3 });
    expect(bounds.length).toBeLessThanOrEqual(50);
    expect(bounds.length).toBeGreaterThan(45);
    const counts = new Map<number, number>();
    for (const bin of bins) counts.set(bin, (counts.get(bin) ?? 0) + 1);
    const zeroBin = bins[0];
    expect(counts.get(zeroBin)).toBeLessThan(1100);
    for (const [bin, count] of counts) if (bin !== zeroBin) expect(count).toBeLessThan(130);
  });

  it("bins exactly as its borders compare", () => {
    const generator = createGenerator(5);
    const values = Array.from({ length: 500 }, () => generator.normal());
    const { bounds } = fit(values, { maxBin: 20 });
    for (const value of [...values, ...bounds]) {
      const bin = findBin(value, Float64Array.from(bounds));
      expect(value <= bounds[bin - 1]).toBe(true);
      if (bin > 1) expect(value <= bounds[bin - 2]).toBe(false);
    }
  });
});
