import { expect, it } from "vitest";
import { compare } from "./ledger.ts";

it("tells what is lost, changed and doubled of good readings and of bad ones", () => {
  const acknowledged = new Map<number | string, number>([
    [1, 10],
    [2, 20],
    [3, 30],
    [4, -1],
    [5, -2],
    ["{broken", NaN],
  ]);
  const found = new Map<number | string, { n: number; value?: number }>([
    [1, { n: 1, value: 10 }],
    [2, { n: 2, value: 21 }],
    [4, { n: 2 }],
    // Not as declared, and stored nevertheless.
    [5, { n: 1, value: -2 }],
    [6, { n: 1, value: 60 }],
    ["{broken", { n: 1 }],
  ]);
  expect(compare(acknowledged, found)).toEqual({ acknowledged: 6, bad: 3, lost: 1, changed: 2, doubled: 2 });
});
