import { expect, test } from "vitest";
import { headlineOfOutputs } from "./answers.ts";

test.each([
  ["a value or a probability", [0.25], 0.25],
  ["the second of two classes", [0.7, 0.3], 0.3],
  ["the index of the likeliest class", [0.1, 0.2, 0.6, 0.1], 2],
])("the headline of outputs without a signature is %s", (_name, outputs, headline) => {
  expect(headlineOfOutputs(Float64Array.from(outputs))).toBe(headline);
});
