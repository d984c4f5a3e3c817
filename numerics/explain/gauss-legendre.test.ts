import { expect, it } from "vitest";
import { gaussLegendre } from "./gauss-legendre.ts";

it.each([1, 2, 3, 5, 13, 26, 60])("%d points integrate polynomials up to degree 2n − 1 exactly", (n) => {
  const { points, weights } = gaussLegendre(n);
  for (const degree of new Set([0, 1, n, 2 * n - 1])) {
    let sum = 0;
    points.forEach((t, q) => (sum += weights[q] * t ** degree));
    expect(Math.abs(sum * (degree + 1) - 1)).toBeLessThan(1e-13);
  }
});
