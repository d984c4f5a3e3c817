import { describe, expect, it } from "vitest";
import type { Signature } from "../../schemas/model-version.ts";
import { requireSameQuestion } from "./champion-score.ts";

const version = { model: "pumps", version: 3 };

function signature(output: Partial<Signature["output"]> = {}): Signature {
  return {
    kind: "aura.signature/1",
    problem: "multiclass",
    task: "class",
    inputs: [],
    output: { name: "probabilities", classLabels: ["hot", "wet"], ...output },
  };
}

type Question = Parameters<typeof requireSameQuestion>[2];

const now: Question = {
  pipeline: { task: { kind: "class" } },
  problem: { kind: "multiclass" },
  classLabels: ["hot", "wet"],
};

describe("requireSameQuestion", () => {
  it("accepts the same task, problem and classes", () => {
    expect(() => requireSameQuestion(version, signature(), now)).not.toThrow();
  });
  it.each<[string, Question]>([
    ["other classes", { ...now, classLabels: ["hot", "dry"] }],
    ["classes in another order", { ...now, classLabels: ["wet", "hot"] }],
    ["another task", { ...now, pipeline: { task: { kind: "rul" } }, problem: { kind: "regression" } }],
  ])("refuses %s, naming champion and way out", (_name, other) => {
    expect(() => requireSameQuestion(version, signature(), other)).toThrow(/pumps@3.*another model name/);
    expect(() => requireSameQuestion(version, signature(), other)).toThrow(
      expect.objectContaining({ code: "conflict" }),
    );
  });
});
