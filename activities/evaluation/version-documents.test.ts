import { expect, it } from "vitest";
import { mostFrequent } from "./version-documents.ts";

it("finds the class that most of the given rows have, the least index of equals", () => {
  const y = Float64Array.of(0, 0, 0, 2, 2, 1);
  expect(mostFrequent(y, Int32Array.of(0, 1, 2, 3, 4, 5))).toBe(0);
  expect(mostFrequent(y, Int32Array.of(0, 3, 4, 5))).toBe(2);
  expect(mostFrequent(y, Int32Array.of(0, 3))).toBe(0);
  expect(mostFrequent(y, Int32Array.of(5))).toBe(1);
});
