import { describe, expect, it } from "vitest";
import { DROPPED_FOLD, HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { referenceRows } from "./fold-rows.ts";

const DAY = 86_400_000_000;

/** Ten days of four machines, a reading a day; one of them is held out, one dropped. */
const assets = ["a", "b", "held", "dropped"];
const [nDays, nAssets] = [10, assets.length];
const table = {
  assets,
  assetCodes: Int32Array.from({ length: nDays * nAssets }, (_, row) => Math.floor(row / nDays)),
  t: Float64Array.from({ length: nDays * nAssets }, (_, row) => (row % nDays) * DAY),
  seq: Float64Array.from({ length: nDays * nAssets }, (_, row) => row),
};
const split: SplitDocument = {
  kind: "aura.split/1",
  unit: "asset",
  ids: assets,
  folds: [[0, 1, HOLDOUT_FOLD, DROPPED_FOLD]],
};
const none = new Int32Array();
/** Labels are known of the first seven days. */
const rows = {
  train: Int32Array.from([0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]),
  test: none,
  censored: { train: Int32Array.of(6, 16), test: none },
};

const chosen = (reference: string | undefined, minRows = 2) =>
  [
    ...referenceRows(
      table,
      { monitoring: { minRows, ...(reference === undefined ? {} : { reference }) } as never },
      { split, rows },
    ),
  ].map((row) => `${assets[table.assetCodes[row] as number]}${(table.t[row] as number) / DAY}`);

describe("the rows that drift is measured against", () => {
  it("are all that is known of the training side", () => {
    const known = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "b0", "b1", "b2", "b3", "b4", "b5", "b6"];
    expect(chosen(undefined)).toEqual(known);
  });

  it("are its newest part where that is declared, of rows that have no label yet as well", () => {
    expect(chosen("2d")).toEqual(["a7", "a8", "a9", "b7", "b8", "b9"]);
  });

  it("are as many as a verdict needs, however old", () => {
    expect(chosen("12h", 5)).toEqual(["a7", "a8", "a9", "b7", "b8", "b9"]);
    expect(chosen("12h", 1_000)).toHaveLength(20);
  });
});
