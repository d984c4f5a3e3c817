import { describe, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { compareArms } from "./compare-arms.ts";
import type { ArmRows } from "./compare-arms.ts";

const N_ASSETS = 20;
const ROWS_PER_ASSET = 15;

/** Rows of a window; `noise` is how little the answers have to do with the truth. */
function armOf(noise: number, seed: number): ArmRows {
  const random = createGenerator(seed);
  const nRows = N_ASSETS * ROWS_PER_ASSET;
  const truth = Float64Array.from({ length: nRows }, (_, row) => (row % 5 === 0 ? 1 : 0));
  const prediction = truth.map((y) => 1 / (1 + Math.exp(-(2 * y - 1 + noise * random.normal()))));
  return {
    truth,
    truthRaw: truth,
    prediction,
    assets: Float64Array.from(truth, (_, row) => Math.floor(row / ROWS_PER_ASSET)),
    cost: truth.map((y, row) => ((y === 1) === (prediction[row] as number) >= 0.5 ? 0 : y === 1 ? 10 : 1)),
    threshold: 0.5,
    nClasses: 1,
  };
}

const compare = (windows: readonly { loop: ArmRows; frozen: ArmRows }[]) =>
  compareArms({ metricTask: "binary", metric: "averagePrecision", windows, seed: 7 }, {});

describe("the difference of two arms", () => {
  it("is nothing of the same answers, whatever is resampled", () => {
    const arm = armOf(1, 1);
    expect(compare([{ loop: arm, frozen: arm }])).toEqual({
      quality: { value: 0, low: 0, high: 0 },
      cost: { value: 0, low: 0, high: 0 },
    });
  });

  it("is better with the better answers, surely so, and has the opposite sign the other way round", () => {
    const windows = [1, 2, 3].map((seed) => ({ loop: armOf(0.3, seed), frozen: armOf(4, seed + 10) }));
    const { quality, cost } = compare(windows);
    expect(quality?.low).toBeGreaterThan(0.2);
    expect(quality?.value).toBeLessThanOrEqual(quality?.high ?? 0);
    expect(cost?.high).toBeLessThan(0);
    const turned = compare(windows.map(({ loop, frozen }) => ({ loop: frozen, frozen: loop })));
    expect(turned.quality?.value).toBeCloseTo(-(quality?.value ?? 0), 12);
  });

  it("does not tell of noise that it is a gain", () => {
    const windows = [1, 2, 3].map((seed) => ({ loop: armOf(2, seed), frozen: armOf(2, seed + 20) }));
    const { quality } = compare(windows);
    expect(quality?.low).toBeLessThan(0);
    expect(quality?.high).toBeGreaterThan(0);
  });

  it("has no cost where none is declared, and nothing without windows", () => {
    const arm = { ...armOf(1, 1), cost: new Float64Array() };
    expect(Object.keys(compare([{ loop: arm, frozen: arm }]))).toEqual(["quality"]);
    expect(compare([])).toEqual({});
  });
});
