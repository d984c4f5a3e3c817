import { expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { BinFinder } from "./bin-finder.ts";
import { findBin, fitColumn } from "./binning.ts";

const generator = createGenerator("finder");
const draw = (next: () => number) => Float64Array.from({ length: 3000 }, next);

it.each([
  ["even", draw(() => generator.next())],
  ["heavy tails", draw(() => generator.normal() / (1e-6 + generator.next()))],
  ["few values", draw(() => generator.integer(4))],
  ["one value", draw(() => 7)],
  ["none", new Float64Array(0)],
  ["nearly equal", draw(() => 1 + generator.integer(300) * Number.EPSILON)],
  ["huge and tiny", draw(() => (generator.next() < 0.5 ? 1e308 : -1e308) * generator.next())],
  ["smallest", draw(() => generator.integer(9) * 5e-324)],
  ["missing", draw(() => (generator.next() < 0.5 ? Number.NaN : generator.normal()))],
])("finds the bin that binary search finds: %s", (_name, values) => {
  for (const maxBin of [255, 65_535]) {
    const bounds = fitColumn(values.slice(), { maxBin, minDataInBin: 1 });
    const finder = new BinFinder(bounds);
    const asked = [...values, ...bounds, 0, -0, 1, Number.NaN, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324];
    for (const value of asked) expect(finder.find(value)).toBe(findBin(value, bounds));
  }
});
