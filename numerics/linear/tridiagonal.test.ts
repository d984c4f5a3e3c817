import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { decomposeSymmetric } from "./jacobi.ts";
import { decomposeByReduction } from "./tridiagonal.ts";

function symmetric(n: number, rank: number): Float64Array {
  const generator = createGenerator(n);
  const factors = Float64Array.from({ length: n * rank }, () => generator.normal());
  return Float64Array.from({ length: n * n }, (_, index) => {
    const [row, column] = [Math.floor(index / n), index % n];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += factors[row * rank + k] * factors[column * rank + k];
    return sum;
  });
}

describe("decomposeByReduction", () => {
  it.each([
    ["nothing", 0, 1],
    ["one", 1, 1],
    ["two", 2, 2],
    ["full rank", 30, 40],
    ["rank 3 of 25", 25, 3],
  ])("gives the values of Jacobi and puts the matrix together again: %s", (_name, n, rank) => {
    const matrix = symmetric(n, rank);
    const { values, vectors } = decomposeByReduction(matrix, n);
    const theirs = decomposeSymmetric(matrix, n).values;
    const largest = Math.max(1, theirs[0] ?? 0);
    values.forEach((value, k) => expect(Math.abs(value - theirs[k])).toBeLessThan(1e-12 * largest));
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        let sum = 0;
        let dot = 0;
        for (let k = 0; k < n; k++) {
          sum += vectors[row * n + k] * values[k] * vectors[column * n + k];
          dot += vectors[row * n + k] * vectors[column * n + k];
        }
        expect(Math.abs(sum - matrix[row * n + column])).toBeLessThan(1e-11 * largest);
        expect(Math.abs(dot - (row === column ? 1 : 0))).toBeLessThan(1e-12);
      }
    }
  });
  it("keeps a diagonal and refuses what is no matrix", () => {
    expect([...decomposeByReduction(Float64Array.of(1, 0, 0, 2), 2).values]).toEqual([2, 1]);
    expect(() => decomposeByReduction(Float64Array.of(1, 2), 2)).toThrow(RangeError);
    expect(() => decomposeByReduction(Float64Array.of(Number.NaN), 1)).toThrow(RangeError);
  });
});
