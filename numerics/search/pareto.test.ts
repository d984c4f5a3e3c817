import { expect, it } from "vitest";
import { paretoFront } from "./pareto.ts";

const cases: readonly [string, number[][], number[]][] = [
  ["nothing", [], []],
  ["one point", [[3, 1]], [0]],
  ["one objective: the least, all of equals", [[2], [1], [1]], [1, 2]],
  [
    "two objectives",
    [
      [1, 5],
      [2, 2],
      [5, 1],
      [3, 3],
      [2, 2],
    ],
    [0, 1, 2, 4],
  ],
];
it.each(cases)("%s", (_name, losses, front) => {
  expect(paretoFront(losses)).toEqual(front);
});
