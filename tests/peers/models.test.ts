/**
 * Our trainers beside scikit-learn (versions and seed in models/fixtures.json, made by models/generate.py). Tolerance
 * 1e-8: both sides are float64; eigenvectors come from Jacobi rotations here and from a singular value decomposition
 * there, coefficients from coordinate descent stopped at relative moves of 1e-12, each 1e-11 at worst on these sizes.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { averagePath } from "../../numerics/anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../../numerics/anomaly/pca-monitor.ts";
import { trainLinear } from "../../numerics/linear/trainer.ts";
import { predict } from "../../numerics/model.ts";

const numbers = z.array(z.number());
const fixturesSchema = z.object({
  columns: z.number(),
  table: numbers,
  monitor: z.object({
    explainedVariance: z.number(),
    limitQuantile: z.number(),
    components: z.number(),
    score: numbers,
  }),
  elasticNet: z.object({
    target: numbers,
    lambdaL1: z.number(),
    lambdaL2: z.number(),
    coefficients: numbers,
    intercept: z.number(),
  }),
  averagePath: z.object({ sizes: numbers, lengths: numbers }),
});
const {
  columns,
  table,
  monitor,
  elasticNet,
  averagePath: path,
} = fixturesSchema.parse(JSON.parse(readFileSync(new URL("models/fixtures.json", import.meta.url), "utf8")));
const matrix = { data: Float64Array.from(table), nRows: table.length / columns, nColumns: columns };

function expectAlike(ours: ArrayLike<number>, theirs: readonly number[]): void {
  expect(ours.length).toBe(theirs.length);
  theirs.forEach((value, i) => expect(Math.abs((ours[i] ?? NaN) - value)).toBeLessThan(1e-8));
}

it("the PCA monitor scores as PCA of scikit-learn and its quantiles do", () => {
  const { explainedVariance, limitQuantile } = monitor;
  const model = trainPcaMonitor({ matrix, parameters: { explainedVariance, limitQuantile } });
  expect(model.variances).toHaveLength(monitor.components);
  expectAlike(predict(model, matrix).values, monitor.score);
});

it("the elastic net has the coefficients of ElasticNet", () => {
  const { lambdaL1, lambdaL2, target } = elasticNet;
  const model = trainLinear({
    matrix,
    target: { taskKind: "regression", values: Float64Array.from(target) },
    parameters: { lambdaL1, lambdaL2, tolerance: 1e-12, maxIterations: 100_000 },
  });
  expectAlike(model.coefficients, elasticNet.coefficients);
  expectAlike(model.intercepts, [elasticNet.intercept]);
});

it("an isolation tree expects the path lengths of IsolationForest", () => {
  expectAlike(path.sizes.map(averagePath), path.lengths);
});
