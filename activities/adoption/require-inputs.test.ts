import { describe, expect, it } from "vitest";
import { requireAnswers } from "../evaluation/foreign-evaluation.ts";
import { requireInputs } from "./activities.ts";

describe("requireInputs", () => {
  const features = ["temperature", "vibration"];

  it("takes the features in their order", () => {
    expect(() => requireInputs(features, features)).not.toThrow();
  });

  it.each<[string, readonly string[], RegExp]>([
    ["another order", ["vibration", "temperature"], /input 1 must be temperature, is vibration/],
    ["one too few", ["temperature"], /input 2 must be vibration, is none/],
    ["one too many", [...features, "speed"], /input 3 must be no more, is speed/],
  ])("refuses %s", (_name, declared, reason) => {
    expect(() => requireInputs(declared, features)).toThrow(reason);
  });
});

describe("requireAnswers", () => {
  const answered = (outputs: readonly number[], nOutputs = 1) => ({
    outputs: Float64Array.from(outputs),
    nOutputs,
  });

  it.each<[string, "regression" | "binary" | "multiclass", ReturnType<typeof answered>]>([
    ["any number", "regression", answered([-5, 1e9])],
    ["probabilities", "binary", answered([0, 0.5, 1])],
    ["one probability per class", "multiclass", answered([0.2, 0.3, 0.5], 3)],
  ])("takes %s for %s", (_name, kind, given) => {
    expect(() => requireAnswers({ kind, nClasses: 3 }, given)).not.toThrow();
  });

  it.each<[string, "regression" | "binary" | "multiclass", ReturnType<typeof answered>, RegExp]>([
    ["both probabilities of two", "binary", answered([0.4, 0.6], 2), /expected 1 outputs per row, got 2/],
    ["too few classes", "multiclass", answered([0.4, 0.6], 2), /expected 3 outputs/],
    ["log-odds", "binary", answered([0.4, 1.2]), /\[row 1\].*got 1.2/],
    ["no number", "binary", answered([Number.NaN]), /got NaN/],
  ])("refuses %s", (_name, kind, given, reason) => {
    expect(() => requireAnswers({ kind, nClasses: 3 }, given)).toThrow(reason);
  });
});
