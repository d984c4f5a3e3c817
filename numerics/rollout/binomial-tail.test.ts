import { describe, expect, it } from "vitest";
import { binomialTail } from "./binomial-tail.ts";

/** The sum as it is written, in exact binomial coefficients. */
function exact(k: number, n: number, p: number): number {
  let sum = 0;
  for (let j = k; j <= n; j++) {
    let choose = 1n;
    for (let i = 0; i < j; i++) choose = (choose * BigInt(n - i)) / BigInt(i + 1);
    sum += Number(choose) * p ** j * (1 - p) ** (n - j);
  }
  return sum;
}

describe("binomialTail", () => {
  it.each([
    [1, 10, 0.01],
    [3, 10, 0.5],
    [10, 10, 0.5],
    [5, 40, 0.05],
    [2, 40, 0.3],
    [30, 60, 0.5],
  ])("is the sum of the terms: %i of %i at %d", (k, n, p) => {
    // Coefficients up to 1e17 are rounded once each: twelve digits are left.
    expect(binomialTail(k, n, p)).toBeCloseTo(exact(k, n, p), 12);
  });

  it("knows the ends", () => {
    expect(binomialTail(0, 0, 0.5)).toBe(1);
    expect(binomialTail(1, 5, 0)).toBe(0);
    expect(binomialTail(5, 5, 1)).toBe(1);
  });

  it("keeps far tails apart from nothing", () => {
    expect(binomialTail(100, 1_000, 0.01)).toBeGreaterThan(0);
    expect(binomialTail(100, 1_000, 0.01)).toBeLessThan(1e-60);
    expect(binomialTail(10_000, 1_000_000, 0.01)).toBeCloseTo(0.5, 2);
  });

  it("refuses what is no law", () => {
    expect(() => binomialTail(2, 1, 0.5)).toThrow(RangeError);
    expect(() => binomialTail(1, 2, 1.5)).toThrow(RangeError);
  });
});
