import { describe, expect, it } from "vitest";
import { matrixFromRows } from "../matrix.ts";
import type { Matrix } from "../matrix.ts";
import { createGenerator } from "../random/generator.ts";
import { partialDependence } from "./partial-dependence.ts";
import { dealRows, permutationImportance } from "./permutation-importance.ts";

const generator = createGenerator("global");
const N_ROWS = 400;
/** Columns: the cause, a copy of it, noise; twenty rows of each of twenty groups. */
const table = Array.from({ length: N_ROWS }, () => generator.normal()).map((cause) => [
  cause,
  cause,
  generator.normal(),
]);
const matrix = matrixFromRows(table, 3);
const groups = Int32Array.from(table, (_, row) => Math.floor(row / 20));
/** Either copy of the cause is believed by half. */
const answerOf = ({ data }: Matrix, row: number): number => 0.5 * data[3 * row] + 0.5 * data[3 * row + 1];
const lossOf = (given: Matrix): number =>
  table.reduce((sum, [cause = 0], row) => sum + (answerOf(given, row) - cause) ** 2, 0) / N_ROWS;

describe("permutationImportance", () => {
  const units = [
    { name: "copy", columns: [1] },
    { name: "both", columns: [0, 1] },
    { name: "noise", columns: [2] },
  ];
  const given = { matrix, groups, units, lossOf, nDeals: 5, seed: 3 };

  it("finds what misleads the model, copies together above one of them", () => {
    const [first, second, third] = permutationImportance(given);
    expect([first?.name, second?.name, third?.name]).toEqual(["both", "copy", "noise"]);
    expect(third).toEqual({ name: "noise", rise: 0, deviation: 0 });
    expect((first?.rise ?? 0) / (second?.rise ?? 1)).toBeCloseTo(4, 6);
  });

  it("is the same when repeated, and does not change the rows", () => {
    const before = Float64Array.from(matrix.data);
    expect(permutationImportance(given)).toEqual(permutationImportance(given));
    expect(matrix.data).toEqual(before);
    const [alone] = permutationImportance({ ...given, units: units.slice(1, 2) });
    expect(alone).toEqual(permutationImportance(given)[0]);
  });
});

describe("dealRows", () => {
  it("gives each group the series of one other, in its order", () => {
    const uneven = Int32Array.of(0, 0, 0, 0, 1, 1, 2, 2, 2);
    const donors = dealRows(uneven, "x");
    for (const group of [0, 1, 2]) {
      const own = Array.from(donors).filter((_, row) => uneven[row] === group);
      expect(new Set(own.map((row) => uneven[row])).size).toBe(1);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  it("permutes rows where each is its own group", () => {
    const donors = dealRows(
      Int32Array.from({ length: 50 }, (_, row) => row),
      "rows",
    );
    expect(Array.from(donors).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, row) => row));
  });
});

describe("partialDependence", () => {
  const answer = (given: Matrix) => ({
    values: Float64Array.from({ length: given.nRows }, (_, row) => 10 + answerOf(given, row)),
    nRows: given.nRows,
    nOutputs: 1,
  });

  it("draws the slope of a linear answer", () => {
    const found = partialDependence(matrix, 0, { answer, nValues: 9 });
    expect(found?.values).toHaveLength(9);
    const { values = [], answers = [] } = found ?? {};
    const slope = (answers[8] - answers[0]) / (values[8] - values[0]);
    expect(slope).toBeCloseTo(0.5, 9);
  });

  it("takes all values of a code, and nothing of an empty column", () => {
    const codes = matrixFromRows([[2], [0], [Number.NaN], [2]], 1);
    const first = ({ data, nRows }: Matrix) => ({ values: Float64Array.from(data), nRows, nOutputs: 1 });
    expect(partialDependence(codes, 0, { answer: first, nValues: 5 })?.values).toEqual([0, 2]);
    const empty = matrixFromRows([[Number.NaN]], 1);
    expect(partialDependence(empty, 0, { answer: first, nValues: 5 })).toBeNull();
  });
});
