import { expect, it } from "vitest";
import { logUpperTail, normalCdf } from "./normal.ts";

// SciPy 1.17: norm.logsf and norm.cdf.
it.each([
  [-5, -2.866516129637633e-7],
  [0, -Math.LN2],
  [1, -1.841021645009264],
  [8, -35.013437159914545],
  [30, -454.32124395634327],
])("log of the upper tail at %d", (z, expected) => {
  expect(Math.abs(logUpperTail(z) / expected - 1)).toBeLessThan(3e-7);
});

it.each([
  [0, 0.5],
  [1.959963984540054, 0.975],
  [-3, 0.0013498980316301],
])("distribution at %d", (z, expected) => {
  expect(Math.abs(normalCdf(z) / expected - 1)).toBeLessThan(3e-7);
});
