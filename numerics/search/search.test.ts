import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { ageWeights, parzenDensity } from "./parzen.ts";
import { PRUNER_DEFAULTS, shouldPrune } from "./pruner.ts";
import type { SamplerSettings, TrialResult } from "./sampler.ts";
import { bestTrials } from "./ranking.ts";
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

interface Crew {
  readonly nWorkers: number;
  /** Of the times that trials take, and so of the order in which they end. */
  readonly seed: number;
}

/** Runs trials as the workflow does: trial n starts when 0 … n − width have ended and a worker is free. */
function search(settings: Partial<SamplerSettings>, nTrials: number, crew?: Crew): TrialResult[] {
  const all: SamplerSettings = { ...SAMPLER_DEFAULTS, ...settings };
  const { nWorkers, seed } = crew ?? { nWorkers: 1, seed: 0 };
  const random = createGenerator(seed);
  const results: TrialResult[] = [];
  let running: { readonly endsAt: number; readonly result: TrialResult }[] = [];
  let now = 0;
  const hasEnded = (number: number) => number < 0 || results.some((result) => result.number === number);
  const mayStart = (number: number) =>
    Array.from({ length: Math.max(0, number - all.width + 1) }, (_, n) => n).every(hasEnded);
  for (let number = 0; number < nTrials || running.length > 0;) {
    if (number < nTrials && running.length < nWorkers && mayStart(number)) {
      const point = proposePoint(space, all, number, results);
      if (point === null) nTrials = number;
      else {
        const result = { number, point, losses: [lossOf(point)] };
        running.push({ endsAt: now + 0.1 + random.next() * 10, result });
        number += 1;
      }
      continue;
    }
    running.sort((a, b) => a.endsAt - b.endsAt);
    const [first, ...others] = running;
    if (first === undefined) throw new Error("nothing runs and nothing may start");
    now = first.endsAt;
    results.push(first.result);
    running = others;
  }
  return results.toSorted((a, b) => a.number - b.number);
}

const best = (results: readonly TrialResult[]) =>
  Math.min(...results.map(({ losses }) => losses?.[0] ?? Infinity));

describe("proposePoint", () => {
  it.each(["tpe", "random", "grid"] as const)("gives %s the same trials however many work", (sampler) => {
    for (const width of [1, 4, 8]) {
      const alone = search({ sampler, width }, 40);
      for (const nWorkers of [1, 2, 8])
        for (const seed of [1, 2, 3])
          expect(search({ sampler, width }, 40, { nWorkers, seed })).toEqual(alone);
    }
  });

  it("sees exactly the trials that had to end before it could start", () => {
    const trials = search({ width: 3 }, 20);
    const settings = { ...SAMPLER_DEFAULTS, width: 3 };
    for (const { number, point } of trials) {
      const seen = trials.filter((trial) => trial.number <= number - 3);
      expect(proposePoint(space, settings, number, seen)).toEqual(point);
      expect(proposePoint(space, settings, number, trials)).toEqual(point);
      if (seen.length > 0)
        expect(() => proposePoint(space, settings, number, seen.slice(1))).toThrow("needs the");
    }
  });

  it("keeps to the space", () => {
    for (const { point } of search({}, 60)) {
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
      seeds.reduce((sum, seed) => sum + best(search({ sampler, seed }, 60)), 0) / seeds.length;
    expect(mean("tpe")).toBeLessThan(0.6 * mean("random"));
  });

  it("walks a whole grid once", () => {
    const settings = { sampler: "grid", gridValues: 3 } as const;
    const nPoints = countGrid(space, 3);
    expect(nPoints).toBe(81);
    const results = search(settings, 1000);
    expect(new Set(results.map(({ point }) => JSON.stringify(point))).size).toBe(nPoints);
    expect(results.length).toBe(nPoints);
    // A part of it is spread over all dimensions.
    const first = results.slice(0, 12).map(({ point }) => point);
    for (const name of Object.keys(space)) expect(new Set(first.map((point) => point[name])).size).toBe(3);
    expect(() => search({ sampler: "grid", gridValues: 100 }, 1)).toThrow("at most 10000 points, got");
  });

  it("learns from failed trials to stay away, and stands only failed ones", () => {
    const failed = Array.from({ length: 12 }, (_, number) => ({ number, point: { x: 0.1 }, losses: null }));
    const line: SearchSpace = { x: { kind: "float", low: 0, high: 1 } };
    expect(proposePoint(line, SAMPLER_DEFAULTS, 12, failed)).not.toBeNull();
  });

  it("refuses to go on without the results it needs", () => {
    expect(() => proposePoint(space, SAMPLER_DEFAULTS, 9, [])).toThrow(
      "needs the results of trials 0 … 5, got 0",
    );
  });

  it.each([
    ["an empty range", { kind: "float", low: 2, high: 1 }, "low ≤ high, got 2 … 1"],
    ["a range of NaN", { kind: "float", low: Number.NaN, high: 1 }, "low ≤ high"],
    ["half integers", { kind: "integer", low: 0.5, high: 2 }, "integer bounds"],
    ["a logarithm of 0", { kind: "float", low: 0, high: 1, log: true }, "above 0"],
    ["a step of 0", { kind: "float", low: 0, high: 1, step: 0 }, "step above 0"],
    ["no choices", { kind: "choice", choices: [] }, "at least one choice"],
    ["a choice twice", { kind: "choice", choices: [1, 1] }, "each choice once, got 1 twice"],
  ] as [string, Dimension, string][])("refuses %s", (_name, dimension, message) => {
    expect(() => checkSpace({ x: dimension })).toThrow(message);
  });
});

describe("densities", () => {
  it("are 1 in all", () => {
    const dimension = { kind: "float", low: -1, high: 3 } as const;
    const density = parzenDensity([dimension], [[0], [0.1], [2.5]]);
    const n = 4000;
    let sum = 0;
    for (let cell = 0; cell < n; cell++)
      sum += (Math.exp(density.log([-1 + (4 * (cell + 0.5)) / n])) * 4) / n;
    expect(sum).toBeCloseTo(1, 4);
    const integers = parzenDensity([{ kind: "integer", low: 1, high: 9 }], [[2], [2], [7]]);
    const masses = Array.from({ length: 9 }, (_, place) => Math.exp(integers.log([place + 1])));
    expect(masses.reduce((total, mass) => total + mass, 0)).toBeCloseTo(1, 5);
    expect(masses[1]).toBeGreaterThan(masses[4]);
    const powers = parzenDensity([{ kind: "integer", low: 1, high: 64, log: true }], [[Math.log(8)]]);
    const cells = Array.from({ length: 64 }, (_, place) => Math.exp(powers.log([Math.log(place + 1)])));
    expect(cells.reduce((total, mass) => total + mass, 0)).toBeCloseTo(1, 5);
    const choices = parzenDensity([{ kind: "choice", choices: ["x", "y", "z"] }], [[1], [1], [0]]);
    const shares = [0, 1, 2].map((place) => Math.exp(choices.log([place])));
    expect(shares.reduce((total, share) => total + share, 0)).toBeCloseTo(1, 12);
    expect(shares[1]).toBeGreaterThan(2 * (shares[2] ?? 1));
  });

  it("see dimensions together", () => {
    const line = { kind: "float", low: 0, high: 1 } as const;
    const diagonal = Array.from({ length: 20 }, (_, place) => [place / 19, place / 19]);
    const density = parzenDensity([line, line], diagonal);
    expect(density.log([0.2, 0.2])).toBeGreaterThan(density.log([0.2, 0.8]) + 1);
    const generator = createGenerator("joint");
    const drawn = Array.from({ length: 500 }, () => density.sample(generator));
    const near = drawn.filter(([x = 0, y = 0]) => Math.abs(x - y) < 0.25).length;
    expect(near).toBeGreaterThan(400);
  });

  it("of one value only", () => {
    const single = [{ kind: "float", low: 2, high: 2 } as const, { kind: "choice", choices: ["x"] } as const];
    expect(parzenDensity(single, [[2, 0]]).sample(createGenerator(1))).toEqual([2, 0]);
    expect(parzenDensity(single, []).sample(createGenerator(1))).toEqual([2, 0]);
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
  const curve = (number: number, ...losses: number[]) => ({ number, losses: [losses], isPruned: false });
  const five = [curve(0, 5, 4), curve(1, 4, 3), curve(2, 3, 2), curve(3, 2, 1), curve(4, 1, 0.5)];
  const median = PRUNER_DEFAULTS;

  it("ends what is worse than the median of complete trials at the same step", () => {
    expect(shouldPrune(median, [[3.5]], five)).toBe(true);
    expect(shouldPrune(median, [[2.5]], five)).toBe(false);
    expect(shouldPrune(median, [[9, 1.5]], five)).toBe(false);
  });

  it("waits for enough trials and steps", () => {
    expect(shouldPrune(median, [[99]], five.slice(0, 4))).toBe(false);
    expect(shouldPrune({ ...median, warmupSteps: 1 }, [[99]], five)).toBe(false);
  });

  it("ends what diverged, and not what is undefined so far", () => {
    expect(shouldPrune(median, [[Infinity]], five)).toBe(true);
    expect(shouldPrune(median, [[Number.NaN]], five)).toBe(false);
    expect(shouldPrune({ ...median, pruner: "none" }, [[Infinity]], five)).toBe(false);
  });

  it("lets one of η go on at each rung, and the best where there are fewer", () => {
    const halving = { ...median, pruner: "successiveHalving", reductionFactor: 2 } as const;
    expect(shouldPrune(halving, [[2.5]], five)).toBe(false);
    expect(shouldPrune(halving, [[3.5]], five)).toBe(true);
    expect(shouldPrune(halving, [[3.5, 3.2, 3.1]], five)).toBe(false);
    const four = { ...halving, reductionFactor: 4 };
    expect(shouldPrune(four, [[0.9]], five.slice(0, 2))).toBe(false);
    expect(shouldPrune(four, [[4.5]], five.slice(0, 2))).toBe(true);
  });

  it.each(["median", "successiveHalving"] as const)(
    "ends by %s only what each objective would end",
    (pruner) => {
      const random = createGenerator(pruner);
      const settings = { ...median, pruner, reductionFactor: 2 };
      const curvesOf = (n: number) =>
        Array.from({ length: n }, (_, number) => ({
          number,
          losses: [0, 1, 2].map(() => Array.from({ length: 4 }, () => random.next())),
          isPruned: number % 3 === 2,
        }));
      let nEnded = 0;
      for (let round = 0; round < 200; round++) {
        const earlier = curvesOf(9);
        const own = [0, 1, 2].map(() => Array.from({ length: 1 + (round % 4) }, () => random.next()));
        const alone = own.map((losses, k) =>
          shouldPrune(
            settings,
            [losses],
            earlier.map((one) => ({ ...one, losses: [one.losses[k] ?? []] })),
          ),
        );
        expect(shouldPrune(settings, own, earlier)).toBe(alone.every(Boolean));
        nEnded += alone.every(Boolean) ? 1 : 0;
      }
      expect(nEnded).toBeGreaterThan(5);
    },
  );
});

describe("bestTrials", () => {
  const of = (...losses: (readonly number[] | null)[]) =>
    losses.map((own, number) => ({ number, losses: own }));

  it("takes the least loss first, the first of equals", () => {
    const trials = of([3], [1], null, [1], [2]);
    expect(bestTrials(trials, 3).map(({ number }) => number)).toEqual([1, 3, 4]);
  });

  it("takes front after front where there are several objectives, as counting dominators finds them", () => {
    const random = createGenerator(4);
    const trials = of(...Array.from({ length: 60 }, () => [random.next(), random.next()]));
    const found = bestTrials(trials, 60).map(({ number }) => number);
    const dominates = (a: readonly number[], b: readonly number[]) =>
      a.every((loss, k) => loss <= (b[k] ?? 0)) && a.some((loss, k) => loss < (b[k] ?? 0));
    // The rank of a trial is the longest chain of dominators before it.
    const rankOf = (own: readonly number[]): number =>
      Math.max(
        0,
        ...trials
          .filter(({ losses }) => dominates(losses ?? [], own))
          .map(({ losses }) => 1 + rankOf(losses ?? [])),
      );
    const ranks = found.map((number) => rankOf(trials[number]?.losses ?? []));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(new Set(ranks).size).toBeGreaterThan(3);
  });

  it("lets a search of two objectives find more of the front than chance", () => {
    const line: SearchSpace = {
      x: { kind: "float", low: -4, high: 4 },
      y: { kind: "float", low: -4, high: 4 },
    };
    /** Both losses grow with y; x trades one for the other between 0 and 1. */
    const nearFront = (sampler: "tpe" | "random", seed: number) => {
      const results: TrialResult[] = [];
      for (let number = 0; number < 60; number++) {
        const point = proposePoint(line, { ...SAMPLER_DEFAULTS, sampler, seed }, number, results) ?? {};
        const [x, y] = [Number(point["x"]), Number(point["y"])];
        results.push({ number, point, losses: [x ** 2 + y ** 2, (x - 1) ** 2 + y ** 2] });
      }
      return results.filter(({ losses }) => Math.max(...(losses ?? [Infinity])) < 2).length;
    };
    const seeds = [1, 2, 3, 4, 5, 6];
    const total = (sampler: "tpe" | "random") =>
      seeds.reduce((sum, seed) => sum + nearFront(sampler, seed), 0);
    expect(total("tpe")).toBeGreaterThan(2 * total("random"));
  });
});
