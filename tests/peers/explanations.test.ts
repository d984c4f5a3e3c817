/**
 * Explanations beside LightGBM's, and calibrations beside scikit-learn's (versions and seed in
 * explanations/fixtures.json, made by explanations/generate.py).
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { fitPlatt } from "../../numerics/calibration/platt.ts";
import { createExplainer } from "../../numerics/explain/explainer.ts";
import type { TreeEnsembleModel } from "../../numerics/model.ts";
import { poolAdjacentViolators } from "../../numerics/stats/adjacent-violators.ts";
import { ascendingOrder } from "../../numerics/stats/rank.ts";

const numbers = z.array(z.number());
const treeSchema = z.object({
  feature: numbers,
  threshold: numbers,
  missingLeft: numbers,
  left: numbers,
  right: numbers,
  value: numbers,
  count: numbers,
});
const { boosted, calibrated } = z
  .object({
    boosted: z.object({
      columns: z.number(),
      rows: z.array(z.number().nullable()),
      trees: z.array(treeSchema),
      contributions: numbers,
    }),
    calibrated: z.object({
      score: numbers,
      truth: numbers,
      platt: z.object({ slope: z.number(), intercept: z.number() }),
      tied: numbers,
      isotonic: numbers,
    }),
  })
  .parse(JSON.parse(readFileSync(new URL("explanations/fixtures.json", import.meta.url), "utf8")));

it("contributions to LightGBM's trees are those of its pred_contrib", () => {
  const { columns, trees } = boosted;
  const model: TreeEnsembleModel = {
    kind: "tree_ensemble",
    taskKind: "regression",
    nFeatures: columns,
    nOutputs: 1,
    postTransform: "identity",
    base: [0],
    scale: 1,
    trees: trees.map((tree) => ({ ...tree, output: 0, width: 1, gain: tree.value.map(() => 0) })),
  };
  const explainer = createExplainer(model);
  const rows = Float64Array.from(boosted.rows, (value) => value ?? Number.NaN);
  const ours = new Float64Array(columns);
  for (let row = 0; row < rows.length / columns; row++) {
    explainer.explain(rows, row * columns, ours);
    const theirs = boosted.contributions.slice(row * (columns + 1), (row + 1) * (columns + 1));
    // Both are exact in float64; sums of some hundred leaf values of up to 10 round at 1e-13.
    [...ours, ...explainer.expected].forEach((value, k) =>
      expect(Math.abs(value - (theirs[k] ?? Number.NaN))).toBeLessThan(1e-10),
    );
  }
});

it("a Platt line is scikit-learn's", () => {
  const line = fitPlatt(Float64Array.from(calibrated.truth), Float64Array.from(calibrated.score));
  // L-BFGS stops there at a gradient of 1e-5 per row, Newton's steps here at the optimum.
  expect(line?.slope).toBeCloseTo(calibrated.platt.slope, 4);
  expect(line?.intercept).toBeCloseTo(calibrated.platt.intercept, 4);
});

it("the blocks of an isotonic fit are scikit-learn's", () => {
  const { tied, truth, isotonic } = calibrated;
  const means = poolAdjacentViolators(tied, truth).flatMap(({ count, sumY }) =>
    Array.from({ length: count }, () => sumY / count),
  );
  ascendingOrder(tied).forEach((row, place) =>
    expect(Math.abs((means[place] ?? Number.NaN) - (isotonic[row] ?? 0))).toBeLessThan(1e-12),
  );
});
