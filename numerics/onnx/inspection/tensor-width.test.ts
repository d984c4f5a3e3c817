import { expect, it } from "vitest";
import { knownTensors, leastWidths } from "./tensor-width.ts";
import type { NodeFlow } from "./tensor-width.ts";

const known = knownTensors(
  [
    { name: "x", elementType: 1, shape: ["N", 5] },
    { name: "cube", elementType: 1, shape: ["N", 5, 2] },
    { name: "free", elementType: 1, shape: ["N", "M"] },
  ],
  new Map<string, readonly number[]>([
    ["three", [3]],
    ["table", [2, 3]],
    ["one", [1, 5]],
  ]),
);
const node = (operator: string, inputs: readonly string[], axis?: number): NodeFlow => ({
  operator,
  inputs,
  outputs: ["y"],
  ...(axis === undefined ? {} : { axis }),
});

it.each<[string, readonly NodeFlow[], number]>([
  ["as wide as the widest", [node("Add", ["x", "one"])], 5],
  ["nothing of what is free", [node("Add", ["x", "free"])], 0],
  ["the columns that are picked", [node("Gather", ["x", "three"], 1)], 3],
  ["nothing of rows that are picked", [node("Gather", ["x", "three"], 0)], 0],
  ["nothing of columns picked by a table", [node("Gather", ["x", "table"], 1)], 0],
  ["nothing of what has more dimensions", [node("Gather", ["cube", "three"], 1)], 0],
  ["nothing of a constant that is picked from", [node("Gather", ["one", "three"], 1)], 0],
  [
    "columns side by side",
    [{ ...node("Gather", ["x", "three"], 1), outputs: ["z"] }, node("Concat", ["x", "z"], 1)],
    8,
  ],
  ["nothing of rows below each other", [node("Concat", ["x", "x"], 0)], 0],
  ["nothing beside what is not known", [node("Concat", ["x", "free"], 1)], 0],
  ["tables side by side", [node("FeatureVectorizer", ["x", "x"])], 10],
  ["nothing of any other operator", [node("Slice", ["x"])], 0],
])("knows %s", (_name, nodes, expected) => {
  expect(leastWidths(known, nodes).get("y") ?? 0).toBe(expected);
});
