import { expect, it } from "vitest";
import type { ImportSignature } from "../../schemas/models/model-import.ts";
import { declaredThreshold } from "./activities.ts";

it.each<
  [string, Pick<ImportSignature, "threshold" | "unusual">, "anomaly" | "binary" | "regression", unknown]
>([
  ["a score", { threshold: 3 }, "anomaly", 3],
  ["a score below which rows are unusual", { threshold: -0.55, unusual: "lower" }, "anomaly", 0.55],
  ["that of scikit-learn's decision_function", { threshold: 0, unusual: "lower" }, "anomaly", 0],
  ["a score that is to be chosen", { unusual: "lower" }, "anomaly", null],
  ["a probability", { threshold: 0.4 }, "binary", 0.4],
  ["a probability that is not told", {}, "binary", 0.5],
  ["a number, from which nothing alerts", { threshold: 3 }, "regression", null],
])("alerts from %s", (_name, signature, kind, expected) => {
  expect(declaredThreshold(signature, { kind })).toBe(expected);
});

it("refuses a probability above 1", () => {
  expect(() => declaredThreshold({ threshold: 1.5 }, { kind: "binary" })).toThrow(
    /probability of 0 to 1, is 1.5/,
  );
});
