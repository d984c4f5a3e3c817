import { describe, expect, it } from "vitest";
import { fitColumn } from "../gbdt/binning.ts";
import { createGenerator } from "../random/generator.ts";
import { BorderKnots } from "./border-draw.ts";

const N_DRAWS = 4000;

function boundsOf(values: Float64Array): Float64Array {
  return fitColumn(values, { maxBin: 65_535, minDataInBin: 1 });
}

describe("BorderKnots", () => {
  const generator = createGenerator("borders");
  it.each([
    ["few borders", Float64Array.from({ length: 300 }, (_, i) => i ** 2)],
    ["many borders", Float64Array.from({ length: 20_000 }, () => generator.normal())],
  ])("draws evenly in values, not in ranks: %s", (_name, values) => {
    const bounds = boundsOf(values);
    const [lowest, highest] = [5, bounds.length - 5];
    const [low, high] = [bounds[lowest - 1], bounds[highest - 2]];
    const knots = new BorderKnots(bounds);
    const shares = Array.from({ length: N_DRAWS }, () => {
      const border = knots.draw(lowest, highest, generator);
      expect(border).toBeGreaterThanOrEqual(lowest);
      expect(border).toBeLessThan(highest);
      return (bounds[border - 1] - low) / (high - low);
    }).sort((a, b) => a - b);
    // Kolmogorov distance to even draws: 0.026 at 1 % for as many, and gaps of up to 2 % between the outer knots.
    const farthest = shares.reduce((most, share, i) => Math.max(most, Math.abs(share - i / N_DRAWS)), 0);
    expect(farthest).toBeLessThan(0.05);
  });

  it.each([
    ["one value", Float64Array.of(7)],
    ["two values", Float64Array.of(-1e308, 1e308)],
    ["both ends of the doubles", Float64Array.of(-1.7e308, -1, 0, 5e-324, 1, 1.7e308)],
    ["far values", Float64Array.from({ length: 3000 }, (_, i) => (i < 2999 ? i * 1e-9 : 1e300))],
  ])("stays inside of the node: %s", (_name, values) => {
    const bounds = boundsOf(values);
    const knots = new BorderKnots(bounds);
    for (let lowest = 1; lowest < bounds.length; lowest += 1 + (lowest >> 3)) {
      for (const highest of [lowest + 1, bounds.length]) {
        const border = knots.draw(lowest, highest, generator);
        expect(border).toBeGreaterThanOrEqual(lowest);
        expect(border).toBeLessThan(highest);
      }
    }
  });
});
