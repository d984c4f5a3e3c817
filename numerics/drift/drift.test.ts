import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { adjustPValues } from "./false-discovery.ts";
import { independentRatio } from "./independence.ts";
import { kolmogorovTail, ksAgainstSketch, ksTwoSample } from "./kolmogorov-smirnov.ts";
import { stabilityIndex } from "./psi.ts";
import { freezeReference } from "./reference.ts";
import type { DriftColumn, DriftReference, NumericReference } from "./reference.ts";
import { compareWithReference } from "./verdict.ts";

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
  it("keeps the most frequent categories and pools the rest, whatever their names", () => {
    const values = ["__proto__", "a", "a", "b", null, "constructor"];
    const options = { maxCategories: 2 };
    expect(freezeReference([{ name: "c", kind: "categorical", values }], options).features[0]).toEqual({
      name: "c",
      kind: "categorical",
      count: 5,
      missing: 1,
      independentRatio: 1,
      categories: [
        { value: "a", count: 2 },
        { value: "__proto__", count: 1 },
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
    for (const shift of [0, 0.05, 0.3, 2]) {
      const live = normals(14, 700, shift).sort();
      const exact = ksTwoSample(live, sorted).statistic;
      const sketched = ksAgainstSketch(live, stored).statistic;
      expect(sketched).toBeLessThanOrEqual(exact + 1e-12);
      expect(sketched).toBeGreaterThan(exact - 2 * (0.5 / 200 + 1 / sorted.length) - 1e-12);
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
    for (let round = 0; round < 300; round++) {
      const report = compareWithReference(
        reference,
        columnsAt(1000 + round, round % 2 === 0 ? 500 : 1500, 0),
      );
      if (report.state !== "ok") alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(3);
  });
  it("sees a shift of 0.3 σ in 2,000 rows at least 95 times in 100", () => {
    let seen = 0;
    for (let round = 0; round < 100; round++) {
      const report = compareWithReference(reference, columnsAt(5000 + round, 2000, 0.3));
      if (report.features[0].state === "drift") seen++;
    }
    expect(seen).toBeGreaterThanOrEqual(95);
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
      expect(grouped.features[0].effect).toBe(naive.features[0].effect);
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
    expect(independentRatio(values, ids)).toBeGreaterThan(0.5);
    expect(
      independentRatio(
        values,
        ids.map(() => 0),
      ),
    ).toBe(1);
    expect(
      independentRatio(
        values,
        Array.from(values, (_, row) => row),
      ),
    ).toBe(1);
    expect(independentRatio(new Float64Array(1000), ids)).toBe(1);
    expect(independentRatio([], [])).toBe(1);
    expect(independentRatio(Float64Array.from(ids), ids)).toBeCloseTo(0.01, 3);
    expect(() => independentRatio([1], [])).toThrow(RangeError);
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
});
