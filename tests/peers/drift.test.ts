/**
 * Drift statistics beside SciPy (versions and seed in drift/fixtures.json, made by drift/generate.py). One tolerance:
 * 1e-9 relative. Both sides are float64 and differ in the order of additions, in exp and log, and in how they sum a tail;
 * that is 1e-11 at worst here, and 1e-9 leaves room for another libm. Kolmogorov–Smirnov, χ² tails and
 * Benjamini–Hochberg are in metrics.test.ts.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { missingShift } from "../../numerics/drift/checks/missing-rate.ts";
import { newCategoryShift } from "../../numerics/drift/checks/new-category.ts";
import { reconstructionShift } from "../../numerics/drift/checks/reconstruction.ts";
import { freezeReference } from "../../numerics/drift/reference.ts";
import { chiSquareTest } from "../../numerics/drift/statistics/chi-square-test.ts";
import { jensenShannonDistance } from "../../numerics/drift/statistics/jensen-shannon.ts";
import { stabilityIndex } from "../../numerics/drift/statistics/psi.ts";
import { wassersteinDistance } from "../../numerics/drift/statistics/wasserstein.ts";
import { compareWithReference } from "../../numerics/drift/verdict.ts";
import { betaBinomialTail } from "../../numerics/stats/beta-binomial.ts";
import { standardDeviation } from "../../numerics/stats/moments.ts";
import { studentTail } from "../../numerics/stats/student-t.ts";

const numbers = z.array(z.number());
const fixtures = z
  .object({
    wasserstein: z.array(
      z.object({
        name: z.string(),
        left: numbers,
        right: numbers,
        weights: numbers.nullable(),
        distance: z.number(),
      }),
    ),
    jensenShannon: z.array(
      z.object({ name: z.string(), reference: numbers, live: numbers, distance: z.number() }),
    ),
    chiSquare: z.array(
      z.object({
        name: z.string(),
        before: numbers,
        live: numbers,
        statistic: z.number(),
        degrees: z.number(),
        p: z.number(),
      }),
    ),
    psi: z.object({ reference: numbers, live: numbers, psi: z.number() }),
    reconstruction: z.object({
      table: z.array(numbers),
      live: z.array(numbers),
      nComponents: z.number(),
      explained: z.number(),
      error: z.number(),
    }),
    betaBinomial: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
    fisher: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    studentTail: z.array(z.tuple([z.number(), z.number(), z.number()])),
  })
  .parse(JSON.parse(readFileSync("tests/peers/drift/fixtures.json", "utf8")));

function expectNear(ours: number, theirs: number, what: string): void {
  expect(Math.abs(ours - theirs), what).toBeLessThanOrEqual(1e-9 * Math.abs(theirs) + 1e-300);
}

/** Distances that are 0 have no relative error. */
const TINY = 1e-12;

describe("drift statistics beside SciPy", () => {
  it.each(fixtures.wasserstein)("Wasserstein: $name", ({ left, right, weights, distance }) => {
    const pairs = right.map((value, i) => [value, weights?.[i] ?? 1] as const).sort((a, b) => a[0] - b[0]);
    const ours = wassersteinDistance(
      { values: left.toSorted((a, b) => a - b) },
      { values: pairs.map(([value]) => value), weights: pairs.map(([, weight]) => weight) },
    );
    expectNear(ours + TINY, distance + TINY, "distance");
  });
  it("Wasserstein in a report: exact where the reference is small enough to be kept whole", () => {
    const [first] = fixtures.wasserstein;
    if (first === undefined) throw new Error("expected a fixture");
    const { left, right, distance } = first;
    const reference = freezeReference([{ name: "x", kind: "numeric", values: left }]);
    const report = compareWithReference(reference, [{ name: "x", kind: "numeric", values: right }]);
    const ours = report.features[0]?.statistics.wasserstein ?? Number.NaN;
    // Live values between two training values count as their mean: a hundredth of the distance here.
    expect(Math.abs(ours * standardDeviation(left) - distance)).toBeLessThan(0.02 * distance);
  });
  it.each(fixtures.jensenShannon)("Jensen–Shannon: $name", ({ reference, live, distance }) => {
    expectNear(jensenShannonDistance(reference, live), distance, "distance");
  });
  it.each(fixtures.chiSquare)("χ²: $name", ({ before, live, statistic, degrees, p }) => {
    const ours = chiSquareTest(before, live);
    expectNear(ours.statistic + TINY, statistic + TINY, "statistic");
    expect(ours.degreesOfFreedom).toBe(degrees);
    expectNear(ours.pValue, p, "p");
    if (before.length !== 2) return;
    const [present, missing] = before as [number, number];
    const [presentNow, missingNow] = live as [number, number];
    const shift = missingShift(
      { present, missing, independentRatio: 1 },
      { present: presentNow, missing: missingNow, independentRatio: 1 },
    );
    expectNear(shift.pValue, p, "missing share");
  });
  it("PSI, as the sum of both relative entropies", () => {
    const { reference, live, psi } = fixtures.psi;
    expectNear(stabilityIndex(reference, live).psi, psi, "psi");
  });
  it("beta-binomial tail, and Fisher's exact test for new categories", () => {
    for (const [k, n, a, b, tail] of fixtures.betaBinomial) {
      expectNear(betaBinomialTail(k, { n, a, b }), tail, `k ${k} of ${n}, ${a}, ${b}`);
    }
    for (const [k, n, m, p] of fixtures.fisher) {
      const shift = newCategoryShift(
        k,
        { count: n, independent: n },
        { count: m, independent: m, unnamed: 0 },
      );
      expectNear(shift.pValue, p, `${k} of ${n} beside ${m}`);
    }
  });
  it("Student's t", () => {
    for (const [t, degrees, tail] of fixtures.studentTail) {
      expectNear(studentTail(t, degrees), tail, `t ${t}, ${degrees}`);
    }
  });
  it("reconstruction error, as NannyML computes it", () => {
    const { table, live, nComponents, explained, error } = fixtures.reconstruction;
    const columns = table.map((values, i) => ({ name: `x${i}`, kind: "numeric" as const, values }));
    const { reconstruction: reference } = freezeReference(columns);
    if (reference === null) throw new Error("expected a reference");
    expect(reference.nComponents).toBe(nComponents);
    expectNear(reference.explainedShare, explained, "explained share");
    const shiftOf = (errorCap: number | null) =>
      reconstructionShift({ ...reference, errorCap }, new Map(live.map((values, i) => [`x${i}`, values])));
    // NannyML counts every error as it is.
    const shift = shiftOf(null);
    expectNear(shift.meanError, error, "mean error");
    expect(shift.pValue).toBeLessThan(1e-4);
    const capped = shiftOf(reference.errorCap);
    expect(capped.meanError).toBeLessThan(reference.errorCap ?? 0);
    expect(capped.pValue).toBeLessThan(1e-4);
  });
});
