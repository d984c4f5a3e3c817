import { describe, expect, it } from "vitest";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { Split } from "../../schemas/pipeline/training.ts";
import { cutSplit } from "./cut-split.ts";
import type { SplitUnits } from "./cut-split.ts";

const ids = Array.from({ length: 20 }, (_, i) => `a${i}`);
const units: SplitUnits = {
  unit: "asset",
  ids,
  parts: ids.map((_, i) => (i < 16 ? "train" : "test")),
  timeAt: (share) => 1000 * share,
  gap: 50,
};
const none = { frozen: new Set<string>(), trainedBefore: new Set<string>(), holdoutFrom: null };

function split(holdout: NonNullable<Split["holdout"]>): Split {
  return { holdout, folds: 2, repeats: 1, by: "auto", stratify: true, seed: 7 };
}
const heldOf = (document: ReturnType<typeof cutSplit>) =>
  document.ids.filter((_, i) => document.folds[0]?.[i] === HOLDOUT_FOLD);

describe("cutSplit keeps what was held out", () => {
  it("by asset: frozen ones stay, those that trained are not newly held", () => {
    const options = { split: split({ by: "asset", share: 0.5 }), ...none };
    const frozen = new Set(["a1", "a2"]);
    const trainedBefore = new Set(ids.filter((id) => !frozen.has(id)));
    expect(heldOf(cutSplit(units, { ...options, frozen, trainedBefore }))).toEqual(["a1", "a2"]);
  });
  it("by parts: a frozen asset that turns up in a training part stays out", () => {
    const options = { split: split({ by: "parts", parts: ["test"] }), ...none };
    expect(heldOf(cutSplit(units, options))).toEqual(["a16", "a17", "a18", "a19"]);
    expect(heldOf(cutSplit(units, { ...options, frozen: new Set(["a3"]) }))).toContain("a3");
  });
  it("by time: it begins where it began, whatever came since", () => {
    const options = { split: split({ by: "time", share: 0.2 }), ...none };
    expect(cutSplit(units, options)).toMatchObject({ holdoutFrom: 800, gapFrom: 750 });
    expect(cutSplit(units, { ...options, holdoutFrom: 600 })).toMatchObject({
      holdoutFrom: 600,
      gapFrom: 550,
    });
  });
});

describe("cutSplit spreads the assets that failed", () => {
  const failed = ids.map((_, i) => (i % 5 === 0 ? 1 : 0));
  const countPerFold = (stratify: boolean, nFolds = 3) => {
    const options = { split: { ...split({ by: "asset", share: 0.25 }), folds: nFolds, stratify }, ...none };
    const [folds = []] = cutSplit({ ...units, classes: failed }, options).folds;
    const counts = Array.from({ length: nFolds }, () => 0);
    folds.forEach((fold, i) => {
      if (fold >= 0) counts[fold] = (counts[fold] ?? 0) + (failed[i] ?? 0);
    });
    return { counts, nHeld: folds.filter((fold, i) => fold === HOLDOUT_FOLD && failed[i] === 1).length };
  };
  it("over the holdout and the folds, each its share", () => {
    expect(countPerFold(true)).toEqual({ counts: [1, 1, 1], nHeld: 1 });
  });
  it("and leaves folds without one where there are fewer of them than folds", () => {
    expect(countPerFold(true, 5).counts.toSorted((a, b) => a - b)).toEqual([0, 0, 1, 1, 1]);
  });
});

it("refuses a class that is rarer than the folds, at once and by name", () => {
  const rows: SplitUnits = { ...units, unit: "row", classes: ids.map((_, i) => (i === 0 ? 1 : 0)) };
  const options = {
    split: { ...split({ by: "row", share: 0.2 }), seed: 1 },
    ...none,
    trainedBefore: new Set(["a0"]),
  };
  expect(() => cutSplit(rows, options)).toThrow(expect.objectContaining({ code: "not_enough_data" }));
});
