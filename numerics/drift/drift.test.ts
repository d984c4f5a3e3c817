import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { indexGroups } from "../splits/groups.ts";
import { adjustPValues } from "./statistics/false-discovery.ts";
import { independenceOf } from "./statistics/independence.ts";
import { kolmogorovTail, ksAgainstSketch, ksTwoSample } from "./statistics/kolmogorov-smirnov.ts";
import { stabilityIndex } from "./statistics/psi.ts";
import { confirmDrift } from "./confirmation.ts";
import { freezeReference } from "./reference.ts";
import type { DriftColumn, DriftReference, NumericReference } from "./reference.ts";
import { compareWithReference } from "./verdict.ts";
import { cumulativeAt, countWindow, unionOf } from "./window-counts.ts";

function normals(seed: number, n: number, mean = 0): Float64Array {
  const generator = createGenerator(seed);
  return Float64Array.from({ length: n }, () => mean + generator.normal());
}

const numeric = (name: string, values: ArrayLike<number>): DriftColumn => ({ name, kind: "numeric", values });

const column = (values: (string | null)[]): DriftColumn => ({ name: "type", kind: "categorical", values });

function freezeOne(values: ArrayLike<number>): NumericReference {
  const feature = freezeReference([numeric("x", values)]).features[0];
  if (feature.kind !== "numeric") throw new TypeError("expected a numeric reference");
  return feature;
}

describe("freezeReference", () => {
  it("counts every row once, in ten even bins, and survives JSON", () => {
    const values = normals(1, 1000);
    values[3] = Number.NaN;
    const reference = freezeReference([numeric("x", values)]);
    const [feature] = reference.features;
    expect(feature).toMatchObject({ count: 999, missing: 1 });
    expect(JSON.parse(JSON.stringify(reference))).toEqual(reference);
    if (feature.kind !== "numeric") throw new TypeError("expected a numeric reference");
    expect(feature.counts.reduce((a, b) => a + b, 0)).toBe(999);
    expect(Math.max(...feature.counts) - Math.min(...feature.counts)).toBeLessThanOrEqual(2);
    expect(feature.sketch).toHaveLength(200);
  });
  it("does not depend on the order of the rows", () => {
    const values = normals(2, 500);
    const shuffled = createGenerator(1).shuffle(Float64Array.from(values));
    expect(freezeOne(shuffled)).toEqual(freezeOne(values));
  });
  it.each([
    ["empty", [], { count: 0, edges: [], counts: [0], mean: null, sketch: [] }],
    ["all missing", [Number.NaN], { count: 0, missing: 1, mean: null }],
    ["one row", [5], { count: 1, mean: 5, std: 0, sketch: [5] }],
  ])("%s", (_name, values, expected) => {
    expect(freezeOne(values)).toMatchObject(expected);
  });
  it("gives a constant a bin closed on both sides", () => {
    const feature = freezeOne(new Float64Array(100).fill(518.67));
    expect(feature.edges).toHaveLength(2);
    expect(feature.counts).toEqual([0, 100, 0]);
    expect(freezeOne([0, 0, 0]).counts).toEqual([0, 3, 0]);
  });
  it("refuses infinite values, unequal lengths and repeated names", () => {
    expect(() => freezeOne([Number.POSITIVE_INFINITY])).toThrow(RangeError);
    expect(() => freezeReference([numeric("x", [1]), numeric("y", [1, 2])])).toThrow(RangeError);
    expect(() => freezeReference([numeric("x", [1]), numeric("x", [1])])).toThrow(/twice/);
  });
  it("counts every category while there are few, whatever their names", () => {
    const values = ["__proto__", "a", "a", "b", null, "constructor"];
    expect(freezeReference([column(values)]).features[0]).toEqual({
      name: "type",
      kind: "categorical",
      role: "feature",
      count: 5,
      missing: 1,
      independentRatio: 1,
      intraclass: 0,
      categories: [
        { value: "a", count: 2 },
        { value: "__proto__", count: 1 },
        { value: "b", count: 1 },
        { value: "constructor", count: 1 },
      ],
      otherCount: 0,
    });
  });
  it("names the most frequent of many by the even rows, and counts the odd ones", () => {
    const values = ["a", "c", "a", "a", "b", "b", "c", null, "b", "d"];
    expect(freezeReference([column(values)], { maxCategories: 2 }).features[0]).toMatchObject({
      count: 4,
      missing: 1,
      categories: [
        { value: "a", count: 1 },
        { value: "b", count: 1 },
      ],
      otherCount: 2,
    });
  });
});

describe("stabilityIndex", () => {
  it("averages its null mean when nothing has changed", () => {
    const generator = createGenerator(7);
    const draw = (n: number): Float64Array => {
      const counts = new Float64Array(10);
      for (let i = 0; i < n; i++) counts[generator.integer(10)]++;
      return counts;
    };
    let sum = 0;
    for (let round = 0; round < 400; round++) sum += stabilityIndex(draw(2000), draw(500)).psi;
    const { nullMean } = stabilityIndex(draw(2000), draw(500));
    // The standard error of the mean over 400 rounds is about 2.4 % of it; half counts shrink PSI by a few percent more.
    expect(Math.abs(sum / 400 / nullMean - 1)).toBeLessThan(0.1);
  });
  it("is zero for equal shares, one bin or no rows, and finite for empty bins", () => {
    expect(stabilityIndex([50, 50], [500, 500]).psi).toBeLessThan(1e-12);
    expect(stabilityIndex([5], [7])).toEqual({ psi: 0, nullMean: 0, corrected: 0 });
    expect(stabilityIndex([1, 2], [0, 0]).psi).toBe(0);
    expect(stabilityIndex([0, 100], [100, 0]).corrected).toBeGreaterThan(5);
    expect(() => stabilityIndex([1], [1, 2])).toThrow(RangeError);
  });
});

describe("Kolmogorov–Smirnov", () => {
  it.each([
    ["equal samples", [1, 2, 3], [1, 2, 3], 0],
    ["apart", [1, 2], [3, 4], 1],
    ["ties jump together", [1, 1, 1, 2], [1, 2, 2, 2], 0.5],
    ["empty side", [], [1], 0],
  ])("%s", (_name, left, right, statistic) => {
    expect(ksTwoSample(left, right).statistic).toBe(statistic);
  });
  it("joins both series of the tail", () => {
    expect(kolmogorovTail(0)).toBe(1);
    expect(kolmogorovTail(1.18 - 1e-12)).toBeCloseTo(kolmogorovTail(1.18), 11);
    expect(kolmogorovTail(50)).toBe(0);
  });
  it.each([
    ["continuous", normals(11, 3000)],
    ["rounded, many ties", normals(12, 3001).map((x) => Math.round(x * 3))],
    ["barely above the sketch", normals(13, 201)],
  ])("a sketch never says more than the full sample, nor much less: %s", (_name, values) => {
    const sorted = Float64Array.from(values).sort();
    const stored = freezeOne(sorted);
    const slack = 0.5 / 200 + 1 / sorted.length;
    for (const shift of [0, 0.05, 0.3, 2]) {
      const live = normals(14, 700, shift).sort();
      const exact = ksTwoSample(live, sorted).statistic;
      const counts = countWindow("x", live, unionOf(stored.sketch));
      const found = { ...cumulativeAt(counts, stored.sketch), count: live.length };
      const sketched = ksAgainstSketch(found, stored).statistic;
      expect(sketched).toBeCloseTo(Math.max(0, ksTwoSample(live, stored.sketch).statistic - slack), 12);
      expect(sketched).toBeLessThanOrEqual(exact + 1e-12);
      expect(sketched).toBeGreaterThan(exact - 2 * slack - 1e-12);
    }
  });
});

describe("adjustPValues", () => {
  it("follows Benjamini and Hochberg, with ties, one and none", () => {
    expect([...adjustPValues([0.01, 0.04, 0.03, 0.5])]).toEqual([0.04, 0.16 / 3, 0.16 / 3, 0.5]);
    expect([...adjustPValues([0.2])]).toEqual([0.2]);
    expect([...adjustPValues([])]).toEqual([]);
    expect(() => adjustPValues([Number.NaN])).toThrow(RangeError);
  });
});

describe("compareWithReference", () => {
  const columnsAt = (seed: number, n: number, shift: number): DriftColumn[] =>
    [0, 1, 2, 3, 4].map((f) => numeric(`f${f}`, normals(seed * 10 + f, n, f === 0 ? shift : 0)));
  const reference: DriftReference = freezeReference(columnsAt(1, 5000, 0));

  it("raises at most 1 % false alarms without drift", () => {
    let alarms = 0;
    for (let round = 0; round < 150; round++) {
      const report = compareWithReference(
        reference,
        columnsAt(1000 + round, round % 2 === 0 ? 500 : 1500, 0),
      );
      if (report.state !== "ok") alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(1);
  });
  it("sees a shift of 0.3 σ in 2,000 rows nearly always", () => {
    let seen = 0;
    for (let round = 0; round < 40; round++) {
      const report = compareWithReference(reference, columnsAt(5000 + round, 2000, 0.3));
      if (report.features[0].state === "drift") seen++;
    }
    expect(seen).toBeGreaterThanOrEqual(39);
  });
  it("calls a real but tiny shift ok", () => {
    const report = compareWithReference(reference, columnsAt(3, 50_000, 0.1));
    expect(report.features[0].q).toBeLessThan(0.001);
    expect(report.state).toBe("ok");
  });
  it("has no verdict below 500 rows, with none, or with a small reference", () => {
    expect(compareWithReference(reference, columnsAt(2, 499, 3)).state).toBe("insufficient_data");
    const none = compareWithReference(reference, columnsAt(2, 0, 0));
    expect(none.state).toBe("insufficient_data");
    expect(none.reason).toContain("got 0 live");
    const small = freezeReference(columnsAt(1, 100, 0));
    expect(compareWithReference(small, columnsAt(2, 1000, 3)).state).toBe("insufficient_data");
  });
  it("takes similar rows of one asset for less evidence, not less effect", () => {
    const generator = createGenerator(21);
    const fleet = (nAssets: number, shift: number): { column: DriftColumn; groups: number[] } => {
      const levels = Array.from({ length: nAssets }, () => shift + generator.normal());
      const groups = levels.flatMap((_, asset) => Array.from({ length: 100 }, () => asset));
      const values = Float64Array.from(groups, (asset) => levels[asset] + 0.2 * generator.normal());
      return { column: numeric("x", values), groups };
    };
    const trained = fleet(60, 0);
    const frozen = freezeReference([trained.column], { groups: trained.groups });
    const alarms = { naive: 0, grouped: 0, shifted: 0 };
    for (let round = 0; round < 40; round++) {
      const live = fleet(12, 0);
      const naive = compareWithReference(frozen, [live.column]);
      const grouped = compareWithReference(frozen, [live.column], { groups: live.groups });
      expect(grouped.features[0].checks[0].effect).toBe(naive.features[0].checks[0].effect);
      if (grouped.state === "drift") alarms.grouped++;
      const plain = compareWithReference(freezeReference([trained.column]), [live.column]);
      if (plain.state === "drift") alarms.naive++;
      const moved = fleet(12, 3);
      const report = compareWithReference(frozen, [moved.column], { groups: moved.groups });
      if (report.state === "drift") alarms.shifted++;
    }
    expect(alarms.naive).toBeGreaterThan(30);
    expect(alarms.grouped).toBeLessThanOrEqual(1);
    expect(alarms.shifted).toBeGreaterThanOrEqual(39);
  });
  it("counts every row where assets do not differ, are alone or have one row", () => {
    const values = normals(31, 1000);
    const ids = Array.from(values, (_, row) => row % 10);
    const groups = indexGroups(ids);
    const ofOne = indexGroups(ids.map(() => 0));
    const ofRows = indexGroups(ids.map((_, row) => row));
    expect(independenceOf(values, groups).ratio).toBeGreaterThan(0.5);
    const none = { ratio: 1, intraclass: 0 };
    expect(independenceOf(values, ofOne)).toEqual(none);
    expect(independenceOf(values, ofRows)).toEqual(none);
    expect(independenceOf(new Float64Array(1000), groups)).toEqual(none);
    expect(independenceOf([], indexGroups([]))).toEqual(none);
    expect(independenceOf(Float64Array.from(ids), groups).ratio).toBeCloseTo(0.01, 3);
    expect(() => independenceOf([1], indexGroups([]))).toThrow(RangeError);
  });
  it("takes rows of one asset for as alike as training has shown them", () => {
    const values = normals(32, 100);
    const ofOne = indexGroups(new Int32Array(100));
    expect(independenceOf(values, ofOne, 1).ratio).toBeCloseTo(0.01, 12);
    expect(independenceOf(values, ofOne, 0.5).ratio).toBeCloseTo(1 / (1 + 99 / 2), 12);
    expect(independenceOf(values, indexGroups(values), 1).ratio).toBe(1);
  });
  it.each([
    ["a sensor that goes missing", normals(1, 1000).map((x, i) => (i % 4 === 0 ? Number.NaN : x)), "drift"],
    ["a sensor that is all missing", new Float64Array(1000).fill(Number.NaN), "drift"],
    ["a sensor stuck at zero", new Float64Array(1000), "drift"],
    ["a wider spread", normals(5, 1000).map((x) => 2 * x), "drift"],
    ["no change", normals(6, 1000), "ok"],
  ])("%s", (_name, values, state) => {
    const one = freezeReference([numeric("x", normals(4, 3000))]);
    expect(compareWithReference(one, [numeric("x", values)]).state).toBe(state);
  });
  it("watches a constant on both sides", () => {
    const constant = freezeReference([numeric("x", new Float64Array(1000).fill(100))]);
    for (const value of [99.9, 100, 100.1]) {
      const report = compareWithReference(constant, [numeric("x", new Float64Array(600).fill(value))]);
      expect(report.state).toBe(value === 100 ? "ok" : "drift");
      expect(report.features[0].psiCorrected > 0.1).toBe(value !== 100);
    }
  });
  it("watches categories: shares, unseen ones and none", () => {
    const generator = createGenerator(8);
    const draw = (n: number, high: number): (string | null)[] =>
      Array.from({ length: n }, () => (generator.next() < high ? "H" : generator.next() < 0.7 ? "L" : "M"));
    const types = freezeReference([column(draw(4000, 0.1))]);
    expect(compareWithReference(types, [column(draw(1000, 0.1))]).state).toBe("ok");
    expect(compareWithReference(types, [column(draw(1000, 0.3))]).state).toBe("drift");
    expect(compareWithReference(types, [column(draw(1000, 0.1).fill("new", 0, 200))]).state).toBe("drift");
    expect(compareWithReference(types, [column(Array.from({ length: 600 }, () => null))]).state).toBe(
      "drift",
    );
  });
  it("refuses an absent feature, another kind and infinite values", () => {
    expect(() => compareWithReference(reference, [])).toThrow(/lack the feature f0/);
    const one = freezeReference([numeric("x", [1])]);
    expect(() => compareWithReference(one, [{ name: "x", kind: "categorical", values: ["1"] }])).toThrow(
      RangeError,
    );
    expect(() => compareWithReference(one, [numeric("x", [Number.NEGATIVE_INFINITY])])).toThrow(RangeError);
  });
  it("sees values beyond the trained range and columns that no longer move together", () => {
    const generator = createGenerator(41);
    const table = (n: number, tie: number): DriftColumn[] => {
      const first = Float64Array.from({ length: n }, () => generator.normal());
      const rest = [1, 2, 3].map((k) =>
        first.map(
          (x) => (k === 1 ? tie : 1) * x + (k === 1 ? Math.sqrt(1.04 - tie ** 2) : 0.2) * generator.normal(),
        ),
      );
      return [first, ...rest].map((values, k) => numeric(`x${k}`, values));
    };
    const frozen = freezeReference(table(3000, 1));
    const quiet = compareWithReference(frozen, table(1000, 1));
    expect(quiet.state).toBe("ok");
    expect(quiet.reconstruction).toMatchObject({ state: "ok", n: 1000 });
    const loose = compareWithReference(frozen, table(1000, 0.2));
    expect(loose.features.map(({ state }) => state)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(loose.reconstruction.state).toBe("drift");
    expect(loose.reason).toContain("reconstruction error up");
    const spiked = table(1000, 1);
    (spiked[2].values as Float64Array).fill(40, 0, 50);
    const outside = compareWithReference(frozen, spiked).features[2];
    expect(outside).toMatchObject({ state: "drift", check: "range", n: 1000 });
    expect(outside.statistics.outsideShare).toBeGreaterThanOrEqual(0.05);
  });
  it("takes spikes that a sensor always had for no drift, however high the highest one is", () => {
    const generator = createGenerator(43);
    // A ratio whose denominator stands still now and then: one row in fifty, by a factor without bound.
    const table = (n: number, spread = 0.2): DriftColumn[] => {
      const first = Float64Array.from({ length: n }, () => generator.normal());
      const tied = first.map((x) => x + spread * generator.normal());
      const ratio = first.map((x) => {
        const value = x + 0.2 * generator.normal();
        return generator.next() < 0.02 ? value * Math.exp(3 * generator.normal()) : value;
      });
      return [first, tied, ratio].map((values, k) => numeric(`x${k}`, values));
    };
    const nAlarms = { quiet: 0, loose: 0 };
    for (let i = 0; i < 30; i++) {
      const frozen = freezeReference(table(3000));
      const isDrift = (live: DriftColumn[]) =>
        compareWithReference(frozen, live).reconstruction.state === "drift";
      if (isDrift(table(1000))) nAlarms.quiet += 1;
      if (isDrift(table(1000, 1))) nAlarms.loose += 1;
    }
    expect(nAlarms).toEqual({ quiet: 0, loose: 30 });
  });
  it("says what a reference of the first form cannot be asked", () => {
    const frozen = freezeReference([numeric("x", normals(1, 2000)), numeric("y", normals(2, 2000))]);
    const features = frozen.features.map((feature) => ({ ...feature, min: null, max: null, plot: null }));
    const old: DriftReference = { ...frozen, features, reconstruction: null };
    const live = [numeric("x", normals(3, 1000)), numeric("y", normals(4, 1000, 1))];
    const report = compareWithReference(old, live);
    expect(report.features.map(({ state }) => state)).toEqual(["ok", "drift"]);
    expect(report.features[0].checks.map(({ state }) => state)).toEqual(["ok", "ok", "not_available"]);
    expect(report.reconstruction).toMatchObject({ state: "not_available", q: null });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
  it("finds new categories among the missing ones, where that is how they come", () => {
    const generator = createGenerator(10);
    const draw = (n: number, missing: number): DriftColumn & { kind: "categorical" } => ({
      name: "type",
      kind: "categorical",
      values: Array.from({ length: n }, () =>
        generator.next() < missing ? null : generator.next() < 0.4 ? "L" : "M",
      ),
      isUnseenMissing: true,
    });
    const stateOf = (before: DriftColumn, live: DriftColumn) =>
      compareWithReference(freezeReference([before]), [live]).features[0].checks.find(
        ({ check }) => check === "categories",
      );
    // One row in twenty is of a new category: too few for a test of shares beside a reference without a missing one.
    expect(stateOf(draw(20_000, 0), draw(600, 0.05))).toMatchObject({ state: "drift", n: 600 });
    expect(stateOf(draw(20_000, 0), { ...draw(600, 0.05), isUnseenMissing: false })?.state).toBe("ok");
    // What was missing as often at training is nothing new.
    expect(stateOf(draw(20_000, 0.3), draw(600, 0.3))?.state).toBe("ok");
    expect(stateOf(draw(20_000, 0.3), draw(600, 0.45))?.state).toBe("drift");
    expect(stateOf(draw(20_000, 0), draw(600, 0))).toMatchObject({ state: "ok", effect: 0 });
  });
  it("tells categories never seen from rare ones that were pooled", () => {
    const generator = createGenerator(9);
    const draw = (n: number, of: number) =>
      column(Array.from({ length: n }, () => `c${Math.floor(generator.next() ** 3 * of)}`));
    const frozen = freezeReference([draw(3000, 300)], { maxCategories: 50 });
    expect(compareWithReference(frozen, [draw(1000, 300)]).state).toBe("ok");
    const renamed = draw(1000, 300);
    (renamed.values as string[]).fill("brand new", 0, 60);
    const few = freezeReference([draw(3000, 30)]);
    const report = compareWithReference(few, [renamed]).features[0];
    expect(report.checks.find(({ check }) => check === "categories")?.state).toBe("drift");
    expect(report.state).toBe("drift");
  });
});

describe("confirmDrift", () => {
  const drift = (...drifted: string[]) => ({ state: "drift" as const, drifted });
  const ok = { state: "ok" as const, drifted: [] };
  it.each([
    ["no drift", ok, [drift("a")], 2, "none", []],
    ["the first window", drift("a"), [], 2, "suspected", ["a"]],
    ["two that agree", drift("a", "b"), [drift("b", "c")], 2, "confirmed", ["b"]],
    ["two that do not agree", drift("a"), [drift("b")], 2, "suspected", ["a"]],
    ["a window between without", drift("a"), [ok, drift("a")], 2, "suspected", ["a"]],
    ["one is enough", drift("a"), [], 1, "confirmed", ["a"]],
    ["three, of which two are there", drift("a"), [drift("a")], 3, "suspected", ["a"]],
    ["three", drift("a"), [drift("a"), drift("a", "b"), ok], 3, "confirmed", ["a"]],
  ] as const)("%s", (_name, window, earlier, confirmations, ...[stage, drifted]) => {
    expect(confirmDrift(window, earlier, confirmations)).toEqual({ stage, drifted });
  });
});
