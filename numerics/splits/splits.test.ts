import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { cutPoints } from "./cut-points.ts";
import { groupKFold } from "./group-k-fold.ts";
import { indexGroups, seededOrder } from "./groups.ts";
import { chooseHoldout } from "./holdout.ts";
import { stratifiedGroupKFold, stratifiedKFold } from "./stratified-k-fold.ts";

const fleet = Array.from({ length: 37 }, (_, asset) =>
  Array.from({ length: 5 + ((asset * 7) % 23) }, () => `unit-${asset}`),
).flat();
const shuffledRows = createGenerator(5).shuffle(fleet.map((_, row) => row));

function expectWholeGroups(folds: Int32Array, groups: readonly string[]): void {
  const foldOf = new Map(groups.map((group, row) => [group, folds[row]]));
  expect(folds.every((fold, row) => foldOf.get(groups[row]) === fold)).toBe(true);
}

describe("groupKFold", () => {
  it("keeps groups whole, fills every fold and balances rows", () => {
    const folds = groupKFold(fleet, { nFolds: 5, seed: 1 });
    const sizes = [0, 0, 0, 0, 0];
    for (const fold of folds) sizes[fold]++;
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(6);
    expectWholeGroups(folds, fleet);
  });
  it("does not depend on the order of the rows, and changes with the seed", () => {
    const folds = groupKFold(fleet, { nFolds: 4, seed: 2 });
    const moved = groupKFold(
      shuffledRows.map((row) => fleet[row]),
      { nFolds: 4, seed: 2 },
    );
    expect([...moved]).toEqual(shuffledRows.map((row) => folds[row]));
    expect([...groupKFold(fleet, { nFolds: 4, seed: 3 })]).not.toEqual([...folds]);
  });
  it.each([
    ["empty", [], 2],
    ["one group", ["a", "a"], 2],
    ["fewer groups than folds", ["a", "b"], 3],
    ["one fold", ["a", "b"], 1],
  ])("refuses %s", (_name, groups, nFolds) => {
    expect(() => groupKFold(groups, { nFolds, seed: 0 })).toThrow(RangeError);
  });
});

describe("stratifiedKFold", () => {
  const labels = Array.from({ length: 103 }, (_, row) => (row % 10 === 0 ? 1 : 0));
  it("gives every fold the same share of classes within one row", () => {
    const folds = stratifiedKFold(labels, { nFolds: 5, seed: 1 });
    const positives = [0, 0, 0, 0, 0];
    const sizes = [0, 0, 0, 0, 0];
    folds.forEach((fold, row) => {
      positives[fold] += labels[row];
      sizes[fold]++;
    });
    expect(Math.max(...positives) - Math.min(...positives)).toBeLessThanOrEqual(1);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    expect([...stratifiedKFold(labels, { nFolds: 5, seed: 1 })]).toEqual([...folds]);
  });
  it("with keys, does not depend on the order of the rows", () => {
    const keys = labels.map((_, row) => `row-${row}`);
    const order = createGenerator(9).shuffle(labels.map((_, row) => row));
    const folds = stratifiedKFold(labels, { nFolds: 3, seed: 4, keys });
    const moved = stratifiedKFold(
      order.map((row) => labels[row]),
      { nFolds: 3, seed: 4, keys: order.map((row) => keys[row]) },
    );
    expect([...moved]).toEqual(order.map((row) => folds[row]));
  });
  it("refuses a class rarer than the folds", () => {
    expect(() => stratifiedKFold([0, 0, 0, 1], { nFolds: 2, seed: 0 })).toThrow(/class 1/);
  });
});

describe("stratifiedGroupKFold", () => {
  it("keeps groups whole and spreads the rare class", () => {
    const labels = fleet.map((id) => (Number(id.slice(5)) % 4 === 0 ? 1 : 0));
    const folds = stratifiedGroupKFold(labels, fleet, { nFolds: 3, seed: 1 });
    const positives = [0, 0, 0];
    folds.forEach((fold, row) => (positives[fold] += labels[row]));
    expect(Math.min(...positives)).toBeGreaterThan(0.6 * Math.max(...positives));
    expectWholeGroups(folds, fleet);
    const moved = stratifiedGroupKFold(
      shuffledRows.map((row) => labels[row]),
      shuffledRows.map((row) => fleet[row]),
      { nFolds: 3, seed: 1 },
    );
    expect([...moved]).toEqual(shuffledRows.map((row) => folds[row]));
  });
  it("leaves no fold empty even when one group is huge", () => {
    const groups = ["a", ...Array.from({ length: 50 }, () => "b"), "c"];
    const folds = stratifiedGroupKFold(new Uint8Array(52), groups, { nFolds: 3, seed: 0 });
    expect(new Set(folds).size).toBe(3);
  });
});

describe("chooseHoldout", () => {
  const ids = Array.from({ length: 40 }, (_, i) => `unit-${i}`);
  const heldOf = (units: readonly string[], options: Parameters<typeof chooseHoldout>[1]) =>
    units.filter((_, i) => chooseHoldout(units, options)[i] === 1);

  it("holds out the share, whatever the order of the units", () => {
    const held = heldOf(ids, { share: 0.2, seed: 3 });
    expect(held).toHaveLength(8);
    expect(heldOf(ids.toReversed(), { share: 0.2, seed: 3 }).sort()).toEqual(held.toSorted());
    expect(heldOf(ids, { share: 0.2, seed: 4 })).not.toEqual(held);
  });
  it("gives each class its share, and a rare one at least one unit on both sides", () => {
    const classes = ids.map((_, i) => (i < 30 ? "fine" : i < 38 ? "worn" : "failed"));
    const held = chooseHoldout(ids, { share: 0.25, seed: 1, classes });
    const count = (name: string) => held.filter((one, i) => one === 1 && classes[i] === name).length;
    expect([count("fine"), count("worn"), count("failed")]).toEqual([8, 2, 1]);
  });
  it("keeps what was held out, and never takes what trained before", () => {
    const kept = new Set(["unit-1", "unit-2"]);
    const barred = new Set(ids.slice(3, 30));
    const held = heldOf(ids, { share: 0.5, seed: 1, kept, barred });
    expect(held).toEqual(expect.arrayContaining(["unit-1", "unit-2"]));
    expect(held.some((id) => barred.has(id))).toBe(false);
    expect(held).toHaveLength(2 + Math.round(0.5 * 11));
  });
  it.each<[string, readonly string[], number]>([
    ["no units", [], 0.5],
    ["one unit", ["a"], 0.5],
    ["a share that takes none", ["a", "b"], 0.1],
    ["a share that takes all", ["a", "b"], 0.9],
    ["a share of 0", ids, 0],
    ["a share of 1", ids, 1],
    ["no share", ids, Number.NaN],
  ])("refuses %s", (_name, units, share) => {
    expect(() => chooseHoldout(units, { share, seed: 1 })).toThrow(RangeError);
  });
});

describe("seededOrder", () => {
  it("keeps the relative order of ids when others join", () => {
    const few = ["a", "b", "c", "d"];
    const many = ["x", "d", "c", "y", "b", "a"];
    const kept = [...seededOrder(many, 1)].map((i) => many[i]).filter((id) => few.includes(id));
    expect(kept).toEqual([...seededOrder(few, 1)].map((i) => few[i]));
    expect(indexGroups([]).ids).toEqual([]);
  });
});

describe("cutPoints", () => {
  it("draws distinct rows evenly over the eligible life, whatever the order of the assets", () => {
    const n = 200;
    const ids = Array.from({ length: 400 }, (_, i) => `engine-${i}`);
    const cuts = cutPoints(new Int32Array(400).fill(n), ids, { seed: 1, perAsset: 2 });
    let sum = 0;
    for (const cut of cuts) {
      expect(cut[0]).toBeGreaterThanOrEqual(29);
      expect(cut[1]).toBeGreaterThan(cut[0]);
      expect(cut[1]).toBeLessThan(n);
      sum += cut[0] + cut[1];
    }
    expect(Math.abs(sum / 800 - (29 + 199) / 2)).toBeLessThan(6);
    const [alone] = cutPoints([n], ["engine-7"], { seed: 1, perAsset: 2 });
    expect([...alone]).toEqual([...cuts[7]]);
  });
  it("takes the last row of a short series and every row when asked for more", () => {
    expect(cutPoints([1, 5], ["a", "b"], { seed: 1 }).map((cut) => [...cut])).toEqual([[0], [4]]);
    expect([...cutPoints([4], ["a"], { seed: 1, perAsset: 9, minRows: 2 })[0]]).toEqual([1, 2, 3]);
    expect(cutPoints([], [], { seed: 1 })).toEqual([]);
    expect(() => cutPoints([0], ["a"], { seed: 1 })).toThrow(RangeError);
  });
});
