import { expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { parameterImportance } from "./importance.ts";
import type { ScoredPoint } from "./importance.ts";

const random = createGenerator("importance");
const trialsOf = (n: number, lossOf: (x: number, y: number, kind: string) => number): ScoredPoint[] =>
  Array.from({ length: n }, () => {
    const [x, y] = [random.next(), 10 ** (4 * random.next() - 4)];
    const kind = ["a", "b", "c"][random.integer(3)] ?? "a";
    return { point: { x, y, kind }, loss: lossOf(x, y, kind) };
  });

it("finds what the loss hangs on, on its own scale or by choice", () => {
  const byX = parameterImportance(trialsOf(60, (x, y) => 5 * (x - 0.3) ** 2 + 1e-3 * y));
  expect(byX[0]).toMatchObject({ parameter: "x" });
  expect(byX[0]?.share).toBeGreaterThan(0.8);
  const byLogarithm = parameterImportance(trialsOf(60, (x, y) => Math.log10(y) ** 2 + 0.1 * x));
  expect(byLogarithm[0]).toMatchObject({ parameter: "y" });
  const byChoice = parameterImportance(trialsOf(60, (x, _y, kind) => (kind === "b" ? 0 : 3) + 0.1 * x));
  expect(byChoice[0]).toMatchObject({ parameter: "kind" });
  expect(byChoice.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
});

it("shares evenly what two explain alike", () => {
  const [first, second] = parameterImportance(trialsOf(400, (x, y) => x + (Math.log10(y) + 4) / 4));
  expect((first?.share ?? 0) / (second?.share ?? 1)).toBeLessThan(1.6);
});

it.each([
  ["too few trials", trialsOf(9, (x) => x)],
  ["equal losses", trialsOf(40, () => 1)],
  ["no trial at all", []],
])("says nothing of %s", (_name, trials) => {
  expect(parameterImportance(trials)).toEqual([]);
});

it("is the same every time, and bears many trials", () => {
  const trials = trialsOf(3_000, (x) => x);
  expect(parameterImportance(trials)).toEqual(parameterImportance(trials));
});
