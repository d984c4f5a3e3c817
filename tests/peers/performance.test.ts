/**
 * Expected metrics beside NannyML's confidence-based estimates, and Wilson's interval beside SciPy's (versions and seed in
 * performance/fixtures.json, made by performance/generate.py).
 *
 * Tolerances: 1e-12 for what is counted, as both sides add the same doubles in another order; 1e-6 for areas, as NannyML rounds
 * its expected counts to five places.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { expectedBinaryMetrics, expectedClassMetrics } from "../../numerics/performance/expected-metrics.ts";
import { wilsonInterval } from "../../numerics/performance/wilson.ts";

const COUNTED = ["f1", "precision", "recall", "accuracy"] as const;
const numbers = z.array(z.number());
const fixtures = z
  .object({
    binary: z.array(
      z.object({
        name: z.string(),
        probability: numbers,
        threshold: z.number(),
        rocAuc: z.number(),
        averagePrecision: z.number(),
        f1: z.number(),
        precision: z.number(),
        recall: z.number(),
        accuracy: z.number(),
      }),
    ),
    classes: z.object({
      probability: numbers,
      nClasses: z.number(),
      macroF1: z.number(),
      accuracy: z.number(),
    }),
    wilson: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  })
  .parse(JSON.parse(readFileSync("tests/peers/performance/fixtures.json", "utf8")));

it.each(fixtures.binary)(
  "expected metrics of two classes: $name",
  ({ probability, threshold, ...expected }) => {
    const found = expectedBinaryMetrics(Float64Array.from(probability), threshold);
    for (const key of COUNTED) expect(found[key]).toBeCloseTo(expected[key], 12);
    expect(Math.abs((found["rocAuc"] ?? 0) - expected.rocAuc)).toBeLessThan(1e-6);
    expect(Math.abs((found["averagePrecision"] ?? 0) - expected.averagePrecision)).toBeLessThan(1e-6);
  },
);

it("expected metrics of more classes", () => {
  const { probability, nClasses, macroF1, accuracy } = fixtures.classes;
  const found = expectedClassMetrics(Float64Array.from(probability), nClasses);
  expect(found["macroF1"]).toBeCloseTo(macroF1, 12);
  expect(found["accuracy"]).toBeCloseTo(accuracy, 12);
});

it.each(fixtures.wilson)("Wilson's interval of %i of %i", (k, n, low, high) => {
  const found = wilsonInterval(k / n, n);
  expect(found[0]).toBeCloseTo(low, 12);
  expect(found[1]).toBeCloseTo(high, 12);
});
