import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { censoringWeightedError, censoringWeights, lifeLoss } from "./censored-error.ts";
import { rootMeanSquaredError } from "./regression.ts";

describe("censoringWeights", () => {
  it("are the Kaplan–Meier estimate of the bounds, by hand", () => {
    // At 2 one of five rows is cut off, at 4 one of two: G is 1, then 4/5, then 2/5.
    expect([...censoringWeights({ truth: [1, 3, 4, 6], bounds: [2, 4] })]).toEqual([
      1,
      expect.closeTo(1.25, 12),
      expect.closeTo(1.25, 12),
      expect.closeTo(2.5, 12),
    ]);
  });

  it("are 1 without bounds", () => {
    const rows = { truth: [5, 1, 3], prediction: [4, 1, 5], bounds: [] };
    expect(censoringWeightedError(rows)).toBeCloseTo(rootMeanSquaredError(rows.truth, rows.prediction), 12);
  });
});

it("is the error of all capped lives, of which short ones are known more often", () => {
  const generator = createGenerator("weighted");
  const cap = 100;
  const lives = Array.from({ length: 20_000 }, () => Math.min(cap, 250 * generator.next()));
  // Wrong by a tenth of the life.
  const answers = lives.map((life) => 0.9 * life);
  const ends = lives.map(() => 150 * generator.next());
  const isKnown = (row: number) => (ends[row] ?? 0) >= (lives[row] ?? 0);
  const rows = lives.map((_, row) => row);
  const pick = (values: readonly number[]) => rows.filter(isKnown).map((row) => values[row] ?? 0);
  const bounds = rows.filter((row) => !isKnown(row)).map((row) => ends[row] ?? 0);
  const whole = rootMeanSquaredError(lives, answers);
  const known = rootMeanSquaredError(pick(lives), pick(answers));
  const weighted = censoringWeightedError({ truth: pick(lives), prediction: pick(answers), bounds });
  expect(Math.abs(weighted - whole)).toBeLessThan(0.02 * whole);
  expect(known).toBeLessThan(0.93 * whole);
});

it("refuses what is no number", () => {
  expect(() => censoringWeightedError({ truth: [], prediction: [], bounds: [1] })).toThrow(RangeError);
  expect(() => censoringWeightedError({ truth: [1], prediction: [1], bounds: [Number.NaN] })).toThrow(
    RangeError,
  );
});

describe("lifeLoss", () => {
  const generator = createGenerator("life-loss");
  const lives = Array.from({ length: 4_000 }, () => 300 + 100 * generator.normal());
  const ends = lives.map(() => 400 * generator.next());
  const rows = lives.map((_, row) => row);
  const isKnown = (row: number) => (ends[row] ?? 0) >= (lives[row] ?? 0);
  const lossOf = (answer: (row: number) => number) => {
    const [known, cut] = [rows.filter(isKnown), rows.filter((row) => !isKnown(row))];
    return lifeLoss(
      { truth: known.map((row) => lives[row] ?? 0), prediction: known.map(answer) },
      { bounds: cut.map((row) => ends[row] ?? 0), prediction: cut.map(answer) },
    );
  };

  it("is log rmse and a constant without bounds", () => {
    const rowsOf = { truth: [5, 1, 3], prediction: [4, 1, 5] };
    const rmse = rootMeanSquaredError(rowsOf.truth, rowsOf.prediction);
    expect(lifeLoss(rowsOf, { bounds: [], prediction: [] })).toBeCloseTo(
      Math.log(rmse) + 0.5 * Math.log(2 * Math.PI) + 0.5,
      9,
    );
  });

  it("is least at the mean of all lives, where the error of the known ones is least at theirs", () => {
    expect(rows.filter(isKnown).length).toBeLessThan(0.4 * lives.length);
    const losses = [220, 240, 260, 280, 300, 320, 340].map((constant) => lossOf(() => constant));
    expect(losses.indexOf(Math.min(...losses))).toBe(4);
    const near = lossOf((row) => (lives[row] ?? 0) + 20 * Math.sin(row));
    expect(near).toBeLessThan(Math.min(...losses));
  });

  it("bears answers that are right to the last digit", () => {
    const exact = lifeLoss({ truth: [1, 2], prediction: [1, 2] }, { bounds: [1], prediction: [2] });
    expect(Number.isFinite(exact)).toBe(true);
  });
});
