/**
 * Trees of LightGBM and scikit-learn predicted by our own walk, what our boosting learns beside LightGBM's, and the tails
 * of the normal distribution beside SciPy's (versions and seed in predictions/fixtures.json, made by
 * predictions/generate.py).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { DecisionTree } from "../../numerics/decision-tree.ts";
import { createExplainer } from "../../numerics/explain/explainer.ts";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import { predict } from "../../numerics/model.ts";
import type { TreeEnsembleModel } from "../../numerics/model.ts";
import { logUpperTail, normalCdf } from "../../numerics/stats/normal.ts";

const numbers = z.array(z.number());
const treeSchema = z.object({
  feature: numbers,
  threshold: numbers,
  missingLeft: numbers,
  left: numbers,
  right: numbers,
  value: z.array(numbers),
  count: numbers,
  leftCodes: z.array(numbers.nullable()),
});
const ensembleSchema = z.object({
  name: z.string(),
  postTransform: z.enum(["identity", "sigmoid", "softmax"]),
  nOutputs: z.number(),
  scale: z.number(),
  columns: z.number(),
  rows: z.array(z.number().nullable()),
  trees: z.array(treeSchema),
  predicted: numbers,
  contributions: numbers.optional(),
});
type Ensemble = z.infer<typeof ensembleSchema>;
const { ensembles, learnt, normal } = z
  .object({
    ensembles: z.array(ensembleSchema),
    learnt: z.object({
      columns: z.number(),
      table: numbers,
      cases: z.array(
        z.object({
          name: z.string(),
          task: z.enum(["regression", "binary"]),
          objective: z.enum(["regression", "binary"]),
          settings: z.record(z.string(), z.number()),
          target: numbers,
          predicted: numbers,
        }),
      ),
    }),
    normal: z.array(z.tuple([z.number(), z.number(), z.number()])),
  })
  .parse(JSON.parse(readFileSync(new URL("predictions/fixtures.json", import.meta.url), "utf8")));

/** The peer's trees as one of our models. LightGBM grows one tree per class, scikit-learn one for all. */
function modelOf({ name, nOutputs, postTransform, scale, columns, trees }: Ensemble): TreeEnsembleModel {
  const taskKind = nOutputs > 1 ? "multiclass" : postTransform === "sigmoid" ? "binary" : "regression";
  return {
    kind: "tree_ensemble",
    taskKind,
    nFeatures: columns,
    nOutputs,
    postTransform,
    base: Array.from({ length: nOutputs }, () => 0),
    scale,
    trees: trees.map((tree, index): DecisionTree => {
      const width = tree.value[0]?.length ?? 0;
      const isOfAll = name.startsWith("RandomForest");
      const codes = tree.leftCodes.flatMap((left, node) => (left === null ? [] : [[node, left] as const]));
      return {
        ...tree,
        output: isOfAll ? 0 : index % nOutputs,
        width,
        value: tree.value.flat(),
        gain: tree.feature.map(() => 0),
        leftCodes: Object.fromEntries(codes),
      };
    }),
  };
}

function rowsOf({ rows }: Ensemble): Float64Array {
  return Float64Array.from(rows, (value) => value ?? Number.NaN);
}

function largestGap(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(ours.length).toBe(theirs.length);
  return Array.from(ours).reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (theirs[at] ?? Number.NaN))),
    0,
  );
}

describe("trees made elsewhere", () => {
  it.each(ensembles)("$name: predictions are the peer's", (ensemble) => {
    const data = rowsOf(ensemble);
    const { columns, predicted } = ensemble;
    const ours = predict(modelOf(ensemble), { data, nRows: data.length / columns, nColumns: columns });
    // Float64 on both sides, leaf values added in one order; only exp may round otherwise.
    expect(largestGap(ours.values, predicted)).toBeLessThan(1e-13);
  });

  const boosted = ensembles.filter(({ contributions }) => contributions !== undefined);
  it.each(boosted)("$name: contributions are those of pred_contrib", (ensemble) => {
    const explainer = createExplainer(modelOf(ensemble));
    const data = rowsOf(ensemble);
    const { columns, nOutputs, contributions = [] } = ensemble;
    const out = new Float64Array(columns * nOutputs);
    for (let row = 0; row < data.length / columns; row++) {
      explainer.explain(data, row * columns, out);
      const perOutput = Array.from({ length: nOutputs }, (_, k) => [
        ...out.subarray(k * columns, (k + 1) * columns),
        explainer.expected[k] ?? Number.NaN,
      ]);
      const width = (columns + 1) * nOutputs;
      // Exact on both sides; weights of paths are products of up to ten shares, added in another order.
      expect(largestGap(perOutput.flat(), contributions.slice(row * width, (row + 1) * width))).toBeLessThan(
        1e-10,
      );
    }
  });
});

describe("what boosting learns where LightGBM has no other choice", () => {
  const matrix = {
    data: Float64Array.from(learnt.table),
    nRows: learnt.table.length / learnt.columns,
    nColumns: learnt.columns,
  };
  const objectives = { regression: "squaredError", binary: "logLoss" } as const;

  it.each(learnt.cases)("$name", ({ task, objective, settings, target, predicted }) => {
    const { model } = trainGbdt({
      matrix,
      target: { taskKind: task, values: Float64Array.from(target) },
      parameters: {
        objective: objectives[objective],
        numIterations: 15,
        numLeaves: 8,
        minDataInLeaf: settings["min_data_in_leaf"] ?? 20,
        minSumHessianInLeaf: settings["min_sum_hessian_in_leaf"] ?? 1e-3,
        lambdaL1: settings["lambda_l1"] ?? 0,
        lambdaL2: settings["lambda_l2"] ?? 0,
        minGainToSplit: settings["min_gain_to_split"] ?? 0,
      },
      seed: 1,
    });
    // LightGBM keeps targets and gradients in float32: 2e-8 after 15 rounds; another split would be 1e-2.
    expect(largestGap(predict(model, matrix).values, predicted)).toBeLessThan(1e-6);
  });
});

it("the tails of the normal distribution are SciPy's", () => {
  for (const [at, cdf, logTail] of normal) {
    // The rational fit is right to 1.2e-7 of the tail; near 0 the logarithm of one half is compared absolutely.
    expect(Math.abs(normalCdf(at) - cdf)).toBeLessThan(2e-7 * cdf);
    expect(Math.abs(logUpperTail(at) - logTail)).toBeLessThan(2e-7 * Math.max(1, Math.abs(logTail)));
  }
});
