import { expect, it } from "vitest";
import { createGenerator } from "./random/generator.ts";
import { sortDoubles } from "./sort-doubles.ts";

const generator = createGenerator("sort");
const draw = (n: number, next: () => number) => Float64Array.from({ length: n }, next);

it.each([
  ["few", draw(10, () => generator.normal())],
  ["many", draw(50_000, () => generator.normal())],
  ["every size", draw(20_000, () => generator.normal() * 10 ** (600 * generator.next() - 300))],
  ["few values", draw(10_000, () => generator.integer(3) - 1)],
  ["both zeros", draw(10_000, () => (generator.next() < 0.5 ? -0 : 0))],
  ["infinities", draw(10_000, () => [Infinity, -Infinity, 1][generator.integer(3)] ?? 0)],
  ["one value", draw(10_000, () => 4)],
])("sorts as comparing sorts: %s", (_name, values) => {
  const expected = values.slice().sort();
  const sorted = values.slice();
  sortDoubles(sorted);
  expect(sorted.every((value, index) => Object.is(value, expected[index]))).toBe(true);
});
