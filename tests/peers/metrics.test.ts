/**
 * Our statistics beside NumPy, SciPy and scikit-learn (versions and seed in metrics/fixtures.json, made by
 * metrics/generate.py). One tolerance: 1e-9 relative. Both sides are float64 and differ in the order of additions and in
 * their exp and log, which is 1e-13 at worst on these sizes; 1e-9 leaves room for another libm.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { adjustPValues } from "../../numerics/drift/statistics/false-discovery.ts";
import { kolmogorovTail, ksTwoSample } from "../../numerics/drift/statistics/kolmogorov-smirnov.ts";
import { isotonicRSquared } from "../../numerics/leakage/isotonic.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import { confusionMatrix, perClassMetrics, predictedClasses } from "../../numerics/metrics/multiclass.ts";
import { chiSquareTail } from "../../numerics/stats/chi-square.ts";
import { pearson, spearman } from "../../numerics/stats/correlation.ts";
import { variance } from "../../numerics/stats/moments.ts";
import { quantile } from "../../numerics/stats/quantile.ts";

const numbers = z.array(z.number());
const expected = z.record(z.string(), z.number());
const fixturesSchema = z.object({
  binary: z.array(
    z.object({ name: z.string(), truth: numbers, score: numbers, threshold: z.number(), expected }),
  ),
  multiclass: z.array(
    z.object({
      name: z.string(),
      nClasses: z.number(),
      truth: numbers,
      probability: numbers,
      expected,
      perClass: z.object({ precision: numbers, recall: numbers, f1: numbers, support: numbers }),
    }),
  ),
  regression: z.object({ truth: numbers, truthRaw: numbers, prediction: numbers, expected }),
  samples: z.object({
    left: numbers,
    right: numbers,
    ties: numbers,
    ks: z.array(
      z.object({ left: z.enum(["left", "ties"]), right: z.literal("right"), statistic: z.number() }),
    ),
    kolmogorov: z.array(z.tuple([z.number(), z.number()])),
    chiSquare: z.array(z.tuple([z.number(), z.number(), z.number()])),
    quantiles: z.array(z.tuple([z.number(), z.number()])),
    variance: z.tuple([z.number(), z.number()]),
    correlation: z.object({
      x: numbers,
      y: numbers,
      pearson: z.number(),
      spearman: z.number(),
      isotonicR2: z.number(),
    }),
    pValues: numbers,
    adjusted: numbers,
  }),
});

const { binary, multiclass, regression, samples } = fixturesSchema.parse(
  JSON.parse(readFileSync("tests/peers/metrics/fixtures.json", "utf8")),
);

function expectNear(ours: number | undefined, theirs: number, what: string): void {
  expect(ours, what).toBeTypeOf("number");
  expect(Math.abs((ours ?? Number.NaN) - theirs), what).toBeLessThanOrEqual(
    1e-9 * Math.max(1e-3, Math.abs(theirs)),
  );
}

function expectRecord(ours: Record<string, number>, theirs: Record<string, number>): void {
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  for (const [key, value] of Object.entries(theirs)) expectNear(ours[key], value, key);
}

describe("metrics beside scikit-learn", () => {
  it.each(binary)("binary: $name", (fixture) => {
    const { truth, score, threshold } = fixture;
    expectRecord(computeMetrics("binary", truth, score, { threshold }), fixture.expected);
  });
  it.each(multiclass)("multiclass: $name", (fixture) => {
    const { truth, probability, nClasses } = fixture;
    expectRecord(computeMetrics("multiclass", truth, probability, { nClasses }), fixture.expected);
    const matrix = confusionMatrix(truth, predictedClasses(probability, nClasses), nClasses);
    perClassMetrics(matrix, nClasses).forEach((entry, c) => {
      for (const key of ["precision", "recall", "f1", "support"] as const) {
        expectNear(entry[key], fixture.perClass[key][c] ?? Number.NaN, `${key} of class ${c}`);
      }
    });
  });
  it("remaining life, capped and raw", () => {
    const { truth, truthRaw, prediction } = regression;
    expectRecord(computeMetrics("rul", truth, prediction, { truthRaw }), regression.expected);
  });
});

describe("statistics beside NumPy and SciPy", () => {
  it("Kolmogorov–Smirnov distance and tail", () => {
    for (const { left, right, statistic } of samples.ks) {
      const ours = ksTwoSample(samples[left].toSorted(ascending), samples[right].toSorted(ascending));
      expectNear(ours.statistic, statistic, `${left} against ${right}`);
    }
    for (const [lambda, tail] of samples.kolmogorov) expectNear(kolmogorovTail(lambda), tail, `λ ${lambda}`);
  });
  it("χ² tail", () => {
    for (const [statistic, degrees, tail] of samples.chiSquare) {
      expectNear(chiSquareTail(statistic, degrees), tail, `${statistic} with ${degrees} degrees`);
    }
  });
  it("quantiles and variance", () => {
    for (const [p, value] of samples.quantiles) expectNear(quantile(samples.left, p), value, `quantile ${p}`);
    expectNear(variance(samples.left), samples.variance[0], "ddof 0");
    expectNear(variance(samples.left, 1), samples.variance[1], "ddof 1");
  });
  it("correlations with ties", () => {
    const { x, y, ...theirs } = samples.correlation;
    expectNear(pearson(x, y), theirs.pearson, "pearson");
    expectNear(spearman(x, y), theirs.spearman, "spearman");
    expectNear(isotonicRSquared(x, y), theirs.isotonicR2, "isotonic");
  });
  it("Benjamini–Hochberg", () => {
    const ours = adjustPValues(samples.pValues);
    samples.adjusted.forEach((q, i) => expectNear(ours[i], q, `q ${i}`));
  });
});

function ascending(a: number, b: number): number {
  return a - b;
}
