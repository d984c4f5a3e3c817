import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { conformalQuantile, fitIntervals } from "./fit-intervals.ts";
import { intervalOf, scoreIntervals } from "./interval-rule.ts";

const RANGE = { min: 0, max: 125 };

/** Errors that grow with the answer, shared in part by the rows of a group; truth within the range. */
function draw(seed: string, nGroups: number, rowsPerGroup: number) {
  const generator = createGenerator(seed);
  const truth: number[] = [];
  const prediction: number[] = [];
  const fold: number[] = [];
  for (let group = 0; group < nGroups; group++) {
    const lean = 0.3 * generator.normal();
    for (let row = 0; row < rowsPerGroup; row++) {
      const answer = 125 * generator.next();
      const error = (1 + 0.15 * answer) * (lean + generator.normal());
      prediction.push(answer);
      truth.push(Math.min(RANGE.max, Math.max(RANGE.min, answer + error)));
      fold.push(group % 5);
    }
  }
  return {
    truth: Float64Array.from(truth),
    prediction: Float64Array.from(prediction),
    fold: Int32Array.from(fold),
  };
}

describe("fitIntervals", () => {
  it("reaches the level on rows that were not there, narrower than one width for all", () => {
    const fitted = fitIntervals([draw("fit", 80, 25)], { level: 0.9, range: RANGE });
    if (fitted === null) throw new Error("expected intervals");
    const [best, ...others] = fitted.trials;
    expect(best?.coverage).toBeGreaterThan(0.88);
    expect(best?.coverage).toBeLessThan(0.92);
    const absolute = others.find(({ method }) => method === "absolute");
    expect(best?.meanWidth).toBeLessThan(0.95 * (absolute?.meanWidth ?? 0));
    const fresh = scoreIntervals(fitted.rule, draw("fresh", 200, 25), RANGE);
    expect(fresh.coverage).toBeGreaterThan(0.88);
    expect(fresh.coverage).toBeLessThan(0.92);
  });

  it.each([0.5, 0.8, 0.95, 0.99])("level %d", (level) => {
    const fitted = fitIntervals([draw("a", 60, 20), draw("b", 60, 20)], { level, range: RANGE });
    expect(fitted?.trials[0]?.coverage).toBeGreaterThan(level - 0.02);
    expect(fitted?.trials[0]?.coverage).toBeLessThan(level + 0.02);
  });

  it("has none with too few rows, or one fold", () => {
    const rows = draw("few", 3, 10);
    expect(fitIntervals([rows], { level: 0.9 })).toBeNull();
    const many = draw("many", 10, 10);
    expect(fitIntervals([{ ...many, fold: many.fold.fill(0) }], { level: 0.9 })).toBeNull();
  });

  it("is finite where answers are all alike, or always right", () => {
    const rows = draw("alike", 20, 10);
    const alike = { ...rows, prediction: rows.prediction.map(() => 60) };
    const right = { ...rows, prediction: rows.truth };
    for (const given of [alike, right]) {
      const rule = fitIntervals([given], { level: 0.9, range: RANGE })?.rule;
      if (rule === undefined) throw new Error("expected intervals");
      const { low, high } = intervalOf(rule, 60, RANGE);
      expect(Number.isFinite(low) && Number.isFinite(high)).toBe(true);
    }
  });

  it("refuses a level outside (0, 1)", () => {
    expect(() => fitIntervals([], { level: 1 })).toThrow(RangeError);
    expect(() => fitIntervals([], { level: Number.NaN })).toThrow(RangeError);
  });
});

describe("conformalQuantile", () => {
  it.each([
    [9, 0.9, 9],
    [99, 0.9, 90],
    [5, 0.9, 5],
  ])("of %d scores at %d is the %d-th smallest", (n, level, rank) => {
    expect(
      conformalQuantile(
        Float64Array.from({ length: n }, (_, i) => n - i),
        level,
      ),
    ).toBe(rank);
  });
});

describe("intervalOf", () => {
  const rule = { level: 0.9, method: "normalised", knots: [0, 100], below: [2, 40], above: [4, 20] } as const;

  it.each([
    [-5, { low: -7, high: -1 }, undefined],
    [0, { low: 0, high: 4 }, RANGE],
    [50, { low: 29, high: 62 }, RANGE],
    [120, { low: 80, high: 125 }, RANGE],
  ])("around %d", (value, expected, range) => {
    expect(intervalOf(rule, value, range)).toEqual(expected);
  });
});
