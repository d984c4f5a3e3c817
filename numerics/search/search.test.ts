import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { ageWeights, choiceDensity, numberDensity } from "./parzen.ts";
import { PRUNER_DEFAULTS, shouldPrune } from "./pruner.ts";
import type { SamplerSettings, TrialResult } from "./sampler.ts";
import { countGrid, proposePoint, SAMPLER_DEFAULTS } from "./sampler.ts";
import type { Dimension, Point, SearchSpace } from "./space.ts";
import { checkSpace, gridOf } from "./space.ts";

const space: SearchSpace = {
  rate: { kind: "float", low: 1e-4, high: 1, log: true },
  leaves: { kind: "integer", low: 4, high: 64 },
  fraction: { kind: "float", low: 0.2, high: 1, step: 0.2 },
  loss: { kind: "choice", choices: ["a", "b", "c"] },
};

/** Best at rate 0.03, 20 leaves, fraction 0.8, loss b. */
function lossOf(point: Point): number {
  const rate = Math.log10(Number(point["rate"]) / 0.03) ** 2;
  const leaves = ((Number(point["leaves"]) - 20) / 20) ** 2;
  const fraction = (Number(point["fraction"]) - 0.8) ** 2;
  return rate + leaves + fraction + (point["loss"] === "b" ? 0 : 0.5);
}

/** Runs trials as `width` workers would: a generation's results arrive in an order of their own. */
function search(
  settings: Partial<SamplerSettings>,
  nTrials: number,
  arrival: "in order" | "reversed",
): TrialResult[] {
  const all: SamplerSettings = { ...SAMPLER_DEFAULTS, ...settings };
  let results: TrialResult[] = [];
  for (let start = 0; start < nTrials; start += all.generation) {
    const numbers = Array.from(
      { length: Math.min(all.generation, nTrials - start) },
      (_, place) => start + place,
    );
    if (arrival === "reversed") numbers.reverse();
    for (const number of numbers) {
      const point = proposePoint(space, all, number, results);
      if (point === null) return results;
      results = [...results, { number, point, loss: lossOf(point) }];
    }
  }
  return results.toSorted((a, b) => a.number - b.number);
}

const best = (results: readonly TrialResult[]) =>
  Math.min(...results.map((result) => result.loss ?? Infinity));

describe("proposePoint", () => {
  it.each(["tpe", "random"] as const)("gives %s the same trials however many work", (sampler) => {
    expect(search({ sampler }, 30, "reversed")).toEqual(search({ sampler }, 30, "in order"));
  });

  it("keeps to the space", () => {
    for (const { point } of search({}, 60, "in order")) {
      expect(Number(point["rate"])).toBeGreaterThanOrEqual(1e-4);
      expect(Number(point["rate"])).toBeLessThanOrEqual(1);
      expect(Number.isInteger(point["leaves"])).toBe(true);
      expect(
        [0.2, 0.4, 0.6, 0.8, 1].some((value) => Math.abs(value - Number(point["fraction"])) < 1e-12),
      ).toBe(true);
    }
  });

  it("finds better points by TPE than at random, over seeds", () => {
    const seeds = Array.from({ length: 12 }, (_, seed) => seed);
    const mean = (sampler: "tpe" | "random") =>
      seeds.reduce((sum, seed) => sum + best(search({ sampler, seed }, 60, "in order")), 0) / seeds.length;
    expect(mean("tpe")).toBeLessThan(0.6 * mean("random"));
  });

  it("walks a whole grid once", () => {
    const settings = { sampler: "grid", gridValues: 3 } as const;
    const nPoints = countGrid(space, 3);
    expect(nPoints).toBe(81);
    const results = search(settings, 1000, "in order");
    expect(new Set(results.map(({ point }) => JSON.stringify(point))).size).toBe(nPoints);
    expect(results.length).toBe(nPoints);
  });

  it("learns from failed trials to stay away, and stands only failed ones", () => {
    const failed = Array.from({ length: 12 }, (_, number) => ({ number, point: { x: 0.1 }, loss: null }));
    const line: SearchSpace = { x: { kind: "float", low: 0, high: 1 } };
    expect(proposePoint(line, SAMPLER_DEFAULTS, 12, failed)).not.toBeNull();
  });

  it("refuses to go on without the results it needs", () => {
    expect(() => proposePoint(space, SAMPLER_DEFAULTS, 9, [])).toThrow(
      "needs the results of trials 0 … 7, got 0",
    );
  });

  it.each([
    ["an empty range", { kind: "float", low: 2, high: 1 }, "low ≤ high, got 2 … 1"],
    ["a range of NaN", { kind: "float", low: Number.NaN, high: 1 }, "low ≤ high"],
    ["half integers", { kind: "integer", low: 0.5, high: 2 }, "integer bounds"],
    ["a logarithm of 0", { kind: "float", low: 0, high: 1, log: true }, "above 0"],
    ["a step of 0", { kind: "float", low: 0, high: 1, step: 0 }, "step above 0"],
    ["no choices", { kind: "choice", choices: [] }, "at least one choice"],
    ["a choice twice", { kind: "choice", choices: [1, 1] }, "a choice twice"],
  ] as [string, Dimension, string][])("refuses %s", (_name, dimension, message) => {
    expect(() => checkSpace({ x: dimension })).toThrow(message);
  });
});

describe("densities", () => {
  it("are 1 in all", () => {
    const dimension = { kind: "float", low: -1, high: 3 } as const;
    const density = numberDensity(dimension, [0, 0.1, 2.5]);
    const n = 4000;
    let sum = 0;
    for (let cell = 0; cell < n; cell++) sum += (Math.exp(density.log(-1 + (4 * (cell + 0.5)) / n)) * 4) / n;
    expect(sum).toBeCloseTo(1, 4);
    const integers = numberDensity({ kind: "integer", low: 1, high: 9 }, [2, 2, 7]);
    const masses = Array.from({ length: 9 }, (_, place) => Math.exp(integers.log(place + 1)));
    expect(masses.reduce((total, mass) => total + mass, 0)).toBeCloseTo(1, 5);
    expect(masses[1]).toBeGreaterThan(masses[4]);
  });

  it("of one value only", () => {
    const density = numberDensity({ kind: "float", low: 2, high: 2 }, [2]);
    expect(density.sample(createGenerator(1))).toBe(2);
    expect(choiceDensity({ kind: "choice", choices: ["x"] }, [0]).sample(createGenerator(1))).toBe(0);
  });

  it("weigh the newest 25 fully", () => {
    expect([...ageWeights(3)]).toEqual([1, 1, 1]);
    const weights = ageWeights(35);
    expect(weights[0]).toBeCloseTo(1 / 35, 12);
    expect(weights[9]).toBeCloseTo(1, 12);
    expect(weights[10]).toBe(1);
  });
});

it("grids of ranges", () => {
  expect(
    gridOf({ kind: "float", low: 0.01, high: 1, log: true }, 3).map((value) => Number(value).toFixed(4)),
  ).toEqual(["0.0100", "0.1000", "1.0000"]);
  expect(gridOf({ kind: "integer", low: 1, high: 3 }, 9)).toEqual([1, 2, 3]);
});

describe("shouldPrune", () => {
  const curve = (number: number, ...losses: number[]) => ({ number, losses, isPruned: false });
  const five = [curve(0, 5, 4), curve(1, 4, 3), curve(2, 3, 2), curve(3, 2, 1), curve(4, 1, 0.5)];
  const median = PRUNER_DEFAULTS;

  it("ends what is worse than the median of complete trials at the same step", () => {
    expect(shouldPrune(median, [3.5], five)).toBe(true);
    expect(shouldPrune(median, [2.5], five)).toBe(false);
    expect(shouldPrune(median, [9, 1.5], five)).toBe(false);
  });

  it("waits for enough trials and steps", () => {
    expect(shouldPrune(median, [99], five.slice(0, 4))).toBe(false);
    expect(shouldPrune({ ...median, warmupSteps: 1 }, [99], five)).toBe(false);
  });

  it("ends what diverged", () => {
    expect(shouldPrune(median, [Number.NaN], [])).toBe(true);
    expect(shouldPrune({ ...median, pruner: "none" }, [Number.NaN], [])).toBe(false);
  });

  it("lets one of η go on at each rung", () => {
    const halving = { ...median, pruner: "successiveHalving", reductionFactor: 2 } as const;
    expect(shouldPrune(halving, [1.5], five)).toBe(false);
    expect(shouldPrune(halving, [3.5], five)).toBe(true);
    expect(shouldPrune(halving, [3.5, 3.2, 3.1], five)).toBe(false);
  });
});
