import { describe, expect, it } from "vitest";
import { rowFolds } from "../split/row-folds.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { inspectLeakage } from "./inspect-leakage.ts";
import type { LeakageJob } from "./inspect-leakage.ts";

/** Two assets of ten readings; the first trains on t 0…9, the second has the same times. */
const N = 20;
const assetCodes = Int32Array.from({ length: N }, (_, row) => Math.floor(row / 10));
const t = Float64Array.from({ length: N }, (_, row) => row % 10);
const seq = Float64Array.from({ length: N }, (_, row) => row);
const assets = ["a", "b"];

const hooks = { signal: new AbortController().signal, onProgress: () => undefined };

function inspect(folds: Int32Array, given: Partial<LeakageJob> = {}) {
  const noise = Float64Array.from({ length: N }, (_, row) => Math.sin(row * 12.9898) * 43_758.5453);
  const checks = inspectLeakage(
    {
      matrix: { data: noise.map((x) => x - Math.floor(x)), nRows: N, nColumns: 1 },
      featureNames: ["x"],
      sample: { sensors: [], rows: new Int32Array(), nAssets: 0, ofAssets: 2, isSeries: false },
      y: Float64Array.from({ length: N }, (_, row) => 9 - (row % 10)),
      kind: "regression",
      assetCodes,
      ofAssets: assets.length,
      assets,
      t,
      folds,
      unit: "asset",
      isTimeSplit: true,
      labelReach: new Float64Array(N),
      ...given,
    },
    hooks,
  );
  return checks.find(({ name }) => name.startsWith("leakage: overlapping"));
}

/** The split as the pipeline cuts it: the holdout begins at 6, what lies from 4 is dropped. */
const cut: SplitDocument = {
  kind: "aura.split/1",
  unit: "asset",
  ids: assets,
  folds: [[0, 1]],
  holdoutFrom: 6,
  gapFrom: 4,
};
/** No cut in time: the second asset is held out whole. */
const byAsset: SplitDocument = { kind: "aura.split/1", unit: "asset", ids: assets, folds: [[0, -1]] };
const rows = { assetCodes, assets, t, seq };

describe("overlapping times", () => {
  it("passes what the split itself cuts: rows never lie on both sides", () => {
    expect(inspect(rowFolds(cut, 0, rows))).toMatchObject({
      name: "leakage: overlapping times",
      passed: true,
    });
  });

  it.each<[string, () => Int32Array]>([
    ["holds assets out where it should hold times out", () => rowFolds(byAsset, 0, rows)],
    ["lets one late row train", () => rowFolds(cut, 0, rows).map((fold, row) => (row === 8 ? 0 : fold))],
    ["forgets the assets' order in time", () => Int32Array.from(seq, (row) => (row % 2 === 0 ? 0 : -1))],
  ])("fails a forged split that %s", (_name, folds) => {
    expect(inspect(folds())).toMatchObject({
      passed: false,
      detail: expect.stringMatching(/training rows.*lie in the held-out time/),
    });
  });

  it("fails labels that look past the start of the holdout, and passes those that end before", () => {
    const folds = rowFolds(cut, 0, rows);
    expect(inspect(folds, { labelReach: new Float64Array(N).fill(2) })).toMatchObject({ passed: true });
    expect(inspect(folds, { labelReach: new Float64Array(N).fill(3) })).toMatchObject({ passed: false });
  });

  it("asks nothing of rows without a label", () => {
    const folds = rowFolds(cut, 0, rows);
    const y = new Float64Array(N).fill(Number.NaN);
    expect(inspect(folds, { y, labelReach: new Float64Array(N).fill(Number.NaN) })).toMatchObject({
      passed: true,
    });
  });
});

describe("overlapping assets", () => {
  it("fails a forged split with an asset on both sides, by name", () => {
    const folds = Int32Array.from(seq, (row) => (row < 15 ? 0 : -1));
    expect(inspect(folds, { isTimeSplit: false })).toMatchObject({
      name: "leakage: overlapping assets",
      passed: false,
      detail: "asset b trains and is held out",
    });
  });
  it("passes whole assets", () => {
    expect(inspect(rowFolds(byAsset, 0, rows), { isTimeSplit: false })).toMatchObject({
      passed: true,
    });
  });
});
