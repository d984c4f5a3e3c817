import { describe, expect, it } from "vitest";
import type { ExplainedRows } from "../../inference/explanation/messages.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import { describeExplanation } from "../../inference/explanation/describe-explanation.ts";

const signature: Signature = {
  kind: "aura.signature/1",
  problem: "regression",
  task: "rul",
  inputs: [
    { name: "temperature", kind: "number", unit: "°C", nullable: true },
    { name: "site", kind: "category", nullable: true, values: ["north", "south"] },
    { name: "speed", kind: "number", nullable: true },
    { name: "unused", kind: "number", nullable: true },
  ],
  output: { name: "value", unit: "cycles" },
};
const explained: ExplainedRows = {
  nFeatures: 4,
  nOutputs: 1,
  expected: Float64Array.of(80),
  rawScores: Float64Array.of(70, 85),
  contributions: Float64Array.of(-14, 3, 1, 0, 2, 2, 1, 0),
  postTransform: "identity",
  isCalibrated: false,
};

describe("describeExplanation", () => {
  it("lists the largest contributions in names and units, and sums up the others", () => {
    const values = Float64Array.of(71.5, 1, Number.NaN, 0);
    expect(describeExplanation(signature, explained, { row: 0, output: 0, values, limit: 2 })).toEqual({
      unit: "cycles",
      before: ["cap"],
      expected: 80,
      rawScore: 70,
      contributions: [
        { feature: "temperature", value: 71.5, unit: "°C", contribution: -14 },
        { feature: "site", value: "south", contribution: 3 },
      ],
      others: 1,
    });
  });

  it("lists no feature without a part in it; a missing value is null", () => {
    const values = Float64Array.of(71.5, Number.NaN, Number.NaN, 0);
    const { contributions, others } = describeExplanation(signature, explained, {
      row: 1,
      output: 0,
      values,
      limit: 100,
    });
    expect(contributions.map(({ feature, value }) => [feature, value])).toEqual([
      ["temperature", 71.5],
      ["site", null],
      ["speed", null],
    ]);
    expect(others).toBe(0);
  });

  it.each([
    ["boosting of two classes", { postTransform: "sigmoid" }, "log_odds", ["sigmoid"]],
    [
      "a calibrated forest",
      { postTransform: "probability", isCalibrated: true },
      "probability",
      ["isotonic_calibration", "cap"],
    ],
  ] as const)("says what the raw score of %s is, and what follows it", (_name, change, unit, before) => {
    const binary: Signature = { ...signature, problem: "binary", output: { name: "probability" } };
    const given = { row: 0, output: 0, values: new Float64Array(4), limit: 1 };
    expect(describeExplanation(binary, { ...explained, ...change }, given)).toMatchObject({ unit, before });
  });

  it("names the class that is explained", () => {
    const classes: Signature = {
      ...signature,
      problem: "multiclass",
      output: { name: "probabilities", classLabels: ["ok", "worn"] },
    };
    const ofClasses: ExplainedRows = {
      ...explained,
      nOutputs: 2,
      expected: Float64Array.of(0.5, -0.5),
      rawScores: Float64Array.of(1, 2),
      contributions: Float64Array.of(0.5, 0, 0, 0, 0, 2.5, 0, 0),
      postTransform: "softmax",
    };
    const given = { row: 0, output: 1, values: new Float64Array(4), limit: 1 };
    expect(describeExplanation(classes, ofClasses, given)).toMatchObject({
      class: "worn",
      unit: "log_odds",
      before: ["softmax"],
      expected: -0.5,
      rawScore: 2,
      contributions: [{ feature: "site", value: "north", contribution: 2.5 }],
    });
  });
});
