import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { assignCluster, fitKMeans } from "./k-means.ts";

/** Four regimes in altitude (ft) and Mach: scales that differ by 50,000. */
const REGIMES = [
  [0, 0.01],
  [10_000, 0.25],
  [20_000, 0.7],
  [42_000, 0.84],
];

function flights(seed: number, nRows: number): Float64Array {
  const generator = createGenerator(seed);
  const values = new Float64Array(nRows * 2);
  for (let row = 0; row < nRows; row++) {
    const [altitude, mach] = REGIMES[generator.integer(REGIMES.length)];
    values[row * 2] = altitude + 3 * generator.normal();
    values[row * 2 + 1] = mach + 0.001 * generator.normal();
  }
  return values;
}

describe("fitKMeans", () => {
  const options = { nFeatures: 2, nClusters: 4, seed: 1 };
  it("finds the regimes and numbers them by centre, for every seed", () => {
    for (let seed = 0; seed < 10; seed++) {
      const model = fitKMeans(flights(seed, 800), { ...options, seed });
      REGIMES.forEach((regime, c) => {
        expect(Math.abs(model.centres[c][0] - regime[0])).toBeLessThan(2);
        expect(Math.abs(model.centres[c][1] - regime[1])).toBeLessThan(0.001);
        expect(assignCluster(model, regime)).toBe(c);
      });
    }
  });
  it("gives the same bits for the same seed", () => {
    const values = flights(3, 300);
    expect(JSON.stringify(fitKMeans(values, options))).toBe(JSON.stringify(fitKMeans(values, options)));
  });
  it.each([
    ["one row", [5, 1], [[5, 1]]],
    ["all rows equal", [5, 1, 5, 1, 5, 1], [[5, 1]]],
    [
      "fewer distinct rows than clusters",
      [2, 0, 1, 0, 2, 0],
      [
        [1, 0],
        [2, 0],
      ],
    ],
  ])("%s", (_name, values, centres) => {
    const model = fitKMeans(values, options);
    expect(model.centres).toHaveLength(centres.length);
    centres.forEach((centre, c) => centre.forEach((x, f) => expect(model.centres[c][f]).toBeCloseTo(x, 12)));
    expect(model.inertia).toBeCloseTo(0, 12);
  });
  it("refuses empty, ragged, NaN and no clusters", () => {
    expect(() => fitKMeans([], options)).toThrow(RangeError);
    expect(() => fitKMeans([1, 2, 3], options)).toThrow(RangeError);
    expect(() => fitKMeans([1, Number.NaN], options)).toThrow(RangeError);
    expect(() => fitKMeans([1, 2], { ...options, nClusters: 0 })).toThrow(RangeError);
  });
});

describe("assignCluster", () => {
  const model = fitKMeans(flights(1, 400), { nFeatures: 2, nClusters: 4, seed: 1 });
  it("leaves missing values out and answers −1 without any", () => {
    expect(assignCluster(model, [Number.NaN, 0.7])).toBe(2);
    expect(assignCluster(model, [Number.NaN, Number.NaN])).toBe(-1);
  });
  it("refuses another length and infinities", () => {
    expect(() => assignCluster(model, [1])).toThrow(RangeError);
    expect(() => assignCluster(model, [Number.POSITIVE_INFINITY, 1])).toThrow(RangeError);
  });
});
