import { expect, it } from "vitest";
import { exponential } from "./exponential.ts";

it("is e^x to the last digits, everywhere", () => {
  let worst = 0;
  for (let x = -699; x < 699; x += 0.0371)
    worst = Math.max(worst, Math.abs(exponential(x) / Math.exp(x) - 1));
  // Two units in the last place: one of each side.
  expect(worst).toBeLessThan(2 * Number.EPSILON);
  expect([0, -1e9, 1e9].map(exponential)).toEqual([1, exponential(-700), exponential(700)]);
});
