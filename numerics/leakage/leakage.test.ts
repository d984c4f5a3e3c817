import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { findDuplicateAssets } from "./duplicate-assets.ts";
import { findFutureShifts } from "./future-shift.ts";
import { isotonicRSquared } from "./isotonic.ts";
import { findAssetOverlap, findTimeOverlap } from "./overlap.ts";
import { findTargetCopies } from "./target-copy.ts";
import type { CopyThresholds, LabelledRows, NamedColumn } from "./target-copy.ts";

const generator = createGenerator(1);
const noise = (n: number): Float64Array => Float64Array.from({ length: n }, () => generator.normal());

/** 20 engines that run to failure after 120 to 215 cycles, with a trending and a noisy sensor. */
const lives = Array.from({ length: 20 }, (_, asset) => 120 + 5 * asset);
const groups = lives.flatMap((life, asset) => Array.from({ length: life }, () => `unit-${asset}`));
const cycle = Float64Array.from(lives.flatMap((life) => Array.from({ length: life }, (_, t) => t + 1)));
const rul = Float64Array.from(lives.flatMap((life) => Array.from({ length: life }, (_, t) => life - t - 1)));
const capped = rul.map((value) => Math.min(125, value));
const fails = rul.map((value) => (value < 30 ? 1 : 0));
const n = rul.length;
const jitter = noise(n);
const trend = rul.map((value, i) => 600 + 10 * Math.exp(-value / 40) + jitter[i]);

function suspects(features: NamedColumn[], rows: LabelledRows, thresholds?: CopyThresholds): string[] {
  const found = findTargetCopies(features, rows, thresholds).filter((evidence) => evidence.suspicious);
  return [...new Set(found.map((evidence) => evidence.feature))];
}

describe("findTargetCopies", () => {
  const small = noise(n);
  it.each([
    ["the target itself", capped],
    ["another unit", capped.map((value) => value * 3600 + 7)],
    ["its negative", capped.map((value) => -value)],
    ["the uncapped life", rul],
    ["a logarithm", rul.map((value) => Math.log1p(value))],
    ["a copy with tiny noise", capped.map((value, i) => value + 0.001 * small[i])],
    ["a copy with gaps", capped.map((value, i) => (i % 7 === 0 ? Number.NaN : value))],
  ])("remaining life: flags %s", (_name, values) => {
    expect(suspects([{ name: "leak", values }], { kind: "regression", target: capped, groups })).toEqual([
      "leak",
    ]);
  });
  it("remaining life: leaves age, trending and noisy sensors alone", () => {
    const features = [
      { name: "age", values: cycle },
      { name: "trend", values: trend },
      { name: "noise", values: small },
      { name: "constant", values: new Float64Array(n).fill(1) },
      { name: "absent", values: new Float64Array(n).fill(Number.NaN) },
    ];
    expect(suspects(features, { kind: "regression", target: capped, groups })).toEqual([]);
  });
  it.each([
    ["the label", fails],
    ["the remaining life", rul],
    ["a code set on failure", fails.map((y, i) => (y === 1 ? 3 + (i % 2) : i % 3))],
    ["missing only before failure", fails.map((y, i) => (y === 1 ? Number.NaN : small[i]))],
  ])("failure: flags %s", (_name, values) => {
    expect(suspects([{ name: "leak", values }], { kind: "binary", target: fails, groups })).toEqual(["leak"]);
  });
  it("failure: leaves good sensors alone", () => {
    const features = [
      { name: "trend", values: trend },
      { name: "gaps", values: trend.map((x, i) => (i % 5 === 0 ? Number.NaN : x)) },
    ];
    const evidence = findTargetCopies(features, { kind: "binary", target: fails, groups });
    expect(evidence.filter((entry) => entry.suspicious)).toEqual([]);
    expect(evidence.find((entry) => entry.measure === "separation")?.value).toBeGreaterThan(0.9);
  });
  it("class: flags a code of the class, not an attribute that names the asset", () => {
    const asset = Float64Array.from(groups, (id) => Number(id.slice(5)));
    const target = asset.map((id) => id % 3);
    const features = [
      { name: "built", values: asset.map((id) => 2000 + id) },
      { name: "code", values: target.map((value) => 10 * value) },
      { name: "trend", values: trend },
    ];
    expect(suspects(features, { kind: "multiclass", target, groups })).toEqual(["code"]);
  });
  it("gives no verdict on few rows or few failures", () => {
    const rows = { kind: "binary", target: [0, 1, 0, 1] } as const;
    expect(findTargetCopies([{ name: "x", values: [0, 1, 0, 1] }], rows)).toEqual([]);
    const rare = Float64Array.from({ length: 500 }, (_, i) => (i < 3 ? 1 : 0));
    expect(findTargetCopies([{ name: "x", values: rare }], { kind: "binary", target: rare })).toEqual([]);
    expect(findTargetCopies([], { kind: "binary", target: [] })).toEqual([]);
  });
  it("refuses unequal lengths and a NaN target", () => {
    expect(() => findTargetCopies([{ name: "x", values: [1] }], { kind: "binary", target: [] })).toThrow(
      RangeError,
    );
    expect(() => findTargetCopies([], { kind: "regression", target: [Number.NaN] })).toThrow(RangeError);
  });
});

describe("isotonicRSquared", () => {
  it("is 1 for any monotone map, small without relation, and shares tied x", () => {
    expect(isotonicRSquared([1, 2, 3, 4], [1, 8, 27, 64])).toBe(1);
    expect(isotonicRSquared([4, 3, 2, 1], [1, 8, 27, 64])).toBe(1);
    expect(isotonicRSquared(noise(2000), noise(2000))).toBeLessThan(0.02);
    expect(isotonicRSquared([1, 1], [0, 2])).toBe(0);
  });
});

/** A column moved `by` rows within each asset: positive looks ahead. */
function shifted(values: Float64Array, by: number): Float64Array {
  return values.map((_, t) => (groups[t + by] === groups[t] ? values[t + by] : Number.NaN));
}

describe("findFutureShifts", () => {
  const slow = Float64Array.from(trend, (value) => Math.round(value));
  const watch = [
    { name: "trend", values: trend, role: "sensor" },
    { name: "slow", values: slow, role: "sensor" },
    { name: "cycle", values: cycle, role: "sensor" },
    { name: "day", values: cycle.map((t) => t % 7), role: "sensor" },
    { name: "constant", values: new Float64Array(n), role: "sensor" },
    { name: "rul", values: capped, role: "target" },
  ] as const;

  it.each([
    ["trend", 1, trend],
    ["trend", 5, trend],
    ["slow", 2, slow],
    ["rul", 1, capped],
    ["rul", 4, capped],
  ])("flags %s %i rows ahead", (name, by, values) => {
    const hits = findFutureShifts([{ name: "leak", values: shifted(values, by) }], watch, { groups });
    expect(hits.map((hit) => [hit.series, hit.shift])).toContainEqual([name, by]);
    expect(hits[0].agreement).toBeGreaterThan(0.96);
  });
  it("flags a label of failure that is one row early", () => {
    const target = [{ name: "fails", values: fails, role: "target" }] as const;
    const hits = findFutureShifts([{ name: "leak", values: shifted(fails, 1) }], target, { groups });
    expect(hits[0]).toMatchObject({ feature: "leak", series: "fails", shift: 1 });
  });
  it("leaves sensors, lags, ages, calendars and constants alone", () => {
    const honest = [
      ...watch.filter((series) => series.role === "sensor"),
      { name: "lag", values: shifted(trend, -1) },
      {
        name: "lag of day",
        values: shifted(
          cycle.map((t) => t % 7),
          -3,
        ),
      },
      { name: "age from 2", values: cycle.map((t) => t + 1) },
      { name: "slow lag", values: shifted(slow, -2) },
    ];
    expect(findFutureShifts(honest, watch, { groups })).toEqual([]);
  });
  it("takes empty and one-row assets, and refuses scattered ones", () => {
    expect(findFutureShifts([], [], { groups: [] })).toEqual([]);
    const one = [{ name: "x", values: [1, 2], role: "sensor" }] as const;
    expect(findFutureShifts(one, one, { groups: ["a", "b"] })).toEqual([]);
    expect(() => findFutureShifts([], [], { groups: ["a", "b", "a"] })).toThrow(/adjacent/);
  });
});

const sensors = (a: Float64Array, b: Float64Array): NamedColumn[] => [
  { name: "a", values: a },
  { name: "b", values: b },
];

describe("findDuplicateAssets", () => {
  const second = noise(n);
  const rowsOf = (id: string): number[] => groups.flatMap((group, row) => (group === id ? [row] : []));

  it("finds nothing on honest assets", () => {
    expect(findDuplicateAssets({ sensors: sensors(trend, second), groups })).toEqual([]);
  });
  it.each([
    ["whole", 0, 1],
    ["from its 40th row on", 40, 0.7],
  ])("finds a copied asset, %s", (_name, from, atLeast) => {
    const a = trend.slice();
    const b = second.slice();
    const source = rowsOf("unit-3").slice(from);
    const copy = rowsOf("unit-17");
    source.forEach((row, i) => {
      a[copy[i]] = trend[row];
      b[copy[i]] = second[row];
    });
    const found = findDuplicateAssets({ sensors: sensors(a, b), groups }, { minOverlap: 0.4 });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ first: "unit-3", second: "unit-17" });
    expect(found[0].overlap).toBeGreaterThan(atLeast - 0.35);
  });
  it.each([
    ["constant", () => 0],
    ["on and off in turn", (t: number) => t % 2],
    ["one step, the same in every asset", (t: number) => (t > 40 ? 1 : 0)],
    ["all missing", () => Number.NaN],
  ])("low information does not trigger: %s", (_name, value) => {
    const plain = cycle.map(value);
    expect(findDuplicateAssets({ sensors: sensors(plain, plain), groups })).toEqual([]);
  });
  it("does not compare an asset with itself", () => {
    const cyclic = cycle.map((t) => t % 20);
    expect(
      findDuplicateAssets({ sensors: sensors(cyclic, cyclic), groups: groups.map(() => "one") }),
    ).toEqual([]);
  });
  it("takes none and short assets, and refuses unequal lengths", () => {
    expect(findDuplicateAssets({ sensors: [], groups: [] })).toEqual([]);
    expect(findDuplicateAssets({ sensors: [], groups: ["a"] })).toEqual([]);
    const short = { name: "a", values: [] };
    expect(() => findDuplicateAssets({ sensors: [short], groups: ["a"] })).toThrow(RangeError);
  });
  it("stays near linear: 200,000 rows in seconds", () => {
    const nRows = 200_000;
    const values = noise(nRows);
    const ids = Array.from({ length: nRows }, (_, row) => row >> 7);
    const started = process.cpuUsage().user;
    expect(findDuplicateAssets({ sensors: [{ name: "a", values }], groups: ids })).toEqual([]);
    expect(process.cpuUsage().user - started).toBeLessThan(8e6);
  });
});

describe("overlaps", () => {
  it("names shared assets and counts their rows", () => {
    expect(findAssetOverlap(["a", "b", "c"], ["c", "c", "d", "b"])).toEqual({
      shared: ["b", "c"],
      holdoutRows: 4,
      affectedRows: 3,
    });
    expect(findAssetOverlap([], ["a"]).shared).toEqual([]);
  });
  it("counts training rows inside the gap and at the cut", () => {
    expect(findTimeOverlap([1, 2, 3, 4], [5, 6], 2)).toEqual({ holdoutStart: 5, lateRows: 2, trainEnd: 4 });
    expect(findTimeOverlap([5], [5])).toMatchObject({ lateRows: 1 });
    expect(findTimeOverlap([1], [])).toEqual({ holdoutStart: null, lateRows: 0, trainEnd: 1 });
    expect(() => findTimeOverlap([Number.NaN], [1])).toThrow(RangeError);
  });
});
