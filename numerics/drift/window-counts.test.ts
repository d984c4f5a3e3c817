import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { binCounts, countWindow, cumulativeAt, pointsOf, unionOf } from "./window-counts.ts";

describe("countWindow", () => {
  it.each([
    ["a bell", (draw: () => number) => draw()],
    ["whole numbers", (draw: () => number) => Math.round(draw() * 2)],
    ["far outliers", (draw: () => number) => draw() ** 9],
    ["nearly equal", (draw: () => number) => 1e9 + draw() * 1e-6],
    ["the largest doubles", (draw: () => number) => Math.sign(draw()) * Number.MAX_VALUE],
    ["a constant", () => 518.67],
    ["zeros of both signs", (draw: () => number) => (draw() > 0 ? 0 : -0)],
  ])("finds each value's place as a search does: %s", (_name, of) => {
    const generator = createGenerator(5);
    const draw = () => of(() => generator.normal());
    const thresholds = unionOf(Array.from({ length: 60 }, draw));
    const values = Float64Array.from({ length: 500 }, (_, i) =>
      i % 7 === 0 ? thresholds[i % thresholds.length] : draw(),
    );
    const counts = countWindow("x", values, thresholds);
    const at = Array.from(thresholds, (threshold) => values.filter((v) => v === threshold).length);
    const between = [...at, 0].map(
      (_, i) =>
        values.filter((v) => v > (thresholds[i - 1] ?? -Infinity) && v < (thresholds[i] ?? Infinity)).length,
    );
    expect([...counts.at]).toEqual(at);
    expect([...counts.between]).toEqual(between);
    const { values: points, weights } = pointsOf(counts);
    expect(weights.reduce((a, b) => a + b, 0)).toBe(500);
    expect(points.every((point, i) => i === 0 || point >= points[i - 1])).toBe(true);
  });
  it("counts missing values, needs no thresholds, and refuses infinities", () => {
    expect(countWindow("x", [1, Number.NaN, 2], new Float64Array())).toMatchObject({
      present: 2,
      missing: 1,
    });
    expect(countWindow("x", [], Float64Array.of(1)).present).toBe(0);
    expect(() => countWindow("x", [-Infinity], Float64Array.of(1))).toThrow("x[0] must be finite or NaN");
  });
  it("sums counts up to points and per bin, repeats included", () => {
    const counts = countWindow("x", [0, 1, 1, 2, 5], Float64Array.of(1, 2));
    const { below, upTo } = cumulativeAt(counts, [1, 1, 2]);
    expect([...below]).toEqual([1, 1, 3]);
    expect([...upTo]).toEqual([3, 3, 4]);
    expect([...binCounts(counts, [1, 2])]).toEqual([3, 1, 1]);
    expect(() => cumulativeAt(counts, [1.5])).toThrow(RangeError);
  });
});
