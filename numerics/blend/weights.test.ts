import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { mixOutOfFold } from "./mix.ts";
import { equalWeights, fitBlendWeights } from "./weights.ts";

const N = 4000;

function noisy(truth: Float64Array, deviation: number, name: string): Float64Array {
  const generator = createGenerator(name);
  return truth.map((value) => value + deviation * generator.normal());
}

describe("fitBlendWeights", () => {
  const truth = Float64Array.from({ length: N }, (_, row) => row % 7);

  it("weighs independent errors by the inverse of their variance", () => {
    const weights = fitBlendWeights(truth, [noisy(truth, 1, "a"), noisy(truth, 2, "b")]);
    // 1 / (1 + 1/4) = 0.8; the sampling error of the two variances is about 2 %.
    expect(weights[0]).toBeCloseTo(0.8, 1);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  });

  it("leaves out a model that only adds error", () => {
    const good = noisy(truth, 1, "a");
    const worse = good.map((value, row) => value + (value - (truth[row] ?? 0)));
    expect(fitBlendWeights(truth, [good, worse])).toEqual([1, 0]);
  });

  it("has no smaller error nearby", () => {
    const models = [noisy(truth, 1, "a"), noisy(truth, 1.5, "b"), noisy(truth, 3, "c")];
    const errorOf = (weights: readonly number[]) =>
      truth.reduce((sum, value, row) => {
        const mean = models.reduce((total, model, m) => total + (weights[m] ?? 0) * (model[row] ?? 0), 0);
        return sum + (value - mean) ** 2;
      }, 0);
    const [a = 0, b = 0, c = 0] = fitBlendWeights(truth, models);
    const best = errorOf([a, b, c]);
    for (const [x, y, z] of [
      [1, -1, 0],
      [-1, 1, 0],
      [0, 1, -1],
      [0, -1, 1],
    ] as const) {
      expect(errorOf([a + 0.01 * x, b + 0.01 * y, c + 0.01 * z])).toBeGreaterThan(best);
    }
  });

  it("keeps equal shares of equal models", () => {
    const model = noisy(truth, 1, "a");
    expect(fitBlendWeights(truth, [model, model])).toEqual(equalWeights(2));
  });

  it("refuses no models, no rows and other lengths", () => {
    expect(() => fitBlendWeights(truth, [])).toThrow(RangeError);
    expect(() => fitBlendWeights(new Float64Array(), [new Float64Array()])).toThrow(RangeError);
    expect(() => fitBlendWeights(truth, [new Float64Array(3)])).toThrow(RangeError);
  });
});

describe("mixOutOfFold", () => {
  it("does not let a row have a say in its own shares", () => {
    // On fold 0 the first member is right, on fold 1 the second: shares of the other fold are wrong everywhere.
    const truth = Float64Array.of(1, 1, 1, 1);
    const answers = [Float64Array.of(1, 1, 0, 0), Float64Array.of(0, 0, 1, 1)];
    const mix = mixOutOfFold({ truth, answers, fold: Int32Array.of(0, 0, 1, 1), weighting: "fitted" });
    expect([...mix.answer]).toEqual([0, 0, 0, 0]);
    expect(mix.weights).toEqual([0.5, 0.5]);
  });

  it("takes the mean of classes row by row", () => {
    const truth = Float64Array.of(1, 0, 0, 1);
    const answers = [Float64Array.of(0.8, 0.2, 0.4, 0.6), Float64Array.of(0.6, 0.4, 0.2, 0.8)];
    const mix = mixOutOfFold({ truth, answers, fold: Int32Array.of(0, 1), weighting: "equal" });
    [0.7, 0.3, 0.3, 0.7].forEach((value, at) => expect(mix.answer[at]).toBeCloseTo(value, 12));
  });
});
