import { describe, expect, it } from "vitest";
import type { Signature } from "../../schemas/models/model-version.ts";
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
  it("accepts the same forecast, and refuses one of another horizon", () => {
    const task = {
      kind: "forecast" as const,
      column: "heat",
      quantiles: [0.1, 0.9],
      statistic: "value" as const,
    };
    const served: Signature = {
      ...signature(),
      problem: "forecast",
      task: "forecast",
      output: {
        name: "quantiles",
        forecast: {
          ...task,
          horizons: [{ horizon: "1h", span: 3_600_000_000 }],
          timeKind: "timestamp",
          anchor: "heat",
        },
      },
    };
    const ahead = (horizons: string): Question => ({
      pipeline: { task: { ...task, horizons } },
      problem: { kind: "forecast" },
      classLabels: null,
    });
    expect(() => requireSameQuestion(version, served, ahead("1h"))).not.toThrow();
    expect(() => requireSameQuestion(version, served, ahead("2h"))).toThrow(/value at 1h.*value at 2h/);
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
