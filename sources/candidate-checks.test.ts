import { describe, expect, it } from "vitest";
import { parsePipeline } from "../schemas/pipeline/parse.ts";
import { isPlatformError } from "../schemas/platform-error.ts";
import { TRAINER_CHECKS } from "./candidate-checks.ts";

const file = (search: string, rest = "") => `name: pumps
sources:
  readings: { files: a.csv, columns: [{ name: heat }, { name: failed, type: integer, use: label }] }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
candidates:
  - kind: gbdt
    params: { maxDepth: 4 }
    search:
      ${search}
${rest}`;

function problemOf(text: string): string {
  try {
    parsePipeline(text, "p.yaml", TRAINER_CHECKS);
  } catch (error) {
    if (!isPlatformError(error)) throw error;
    return error.locations.map((l) => `${l.line} ${l.field}: ${l.expected}, found ${l.found}`).join("; ");
  }
  return "";
}

it("names a setting that the trainer does not have, and the one that was meant", () => {
  const text = file("numLeaves: { kind: integer, low: 2, high: 8 }").replace("maxDepth: 4", "maxDept: 4");
  expect(problemOf(text)).toMatch(
    /^8 candidates\.0\.params\.maxDept: one of .*; did you mean maxDepth\?, found maxDept$/,
  );
});

it.each([
  ["two", "stoppingMetric: rmse", "rocAuc, averagePrecision"],
  ["two", "stoppingMetric: macroF1", "rocAuc, averagePrecision"],
  ["two", "stoppingMetric: loss", ""],
  ["two", "objective: huber", "logLoss"],
  ["several", "stoppingMetric: rocAuc", "accuracy, macroF1"],
  ["several", "stoppingMetric: accuracy", ""],
  ["several", "objective: softmax", ""],
])("of %s classes, %s is refused where it is of another task", (classes, setting, words) => {
  const [name = "", value = ""] = setting.split(": ");
  const ofTask = (text: string) => (classes === "two" ? text : text.replace(", positive: 1", ""));
  const fixed = file("numLeaves: { kind: integer, low: 2, high: 8 }").replace("maxDepth: 4", setting);
  const searched = file(`${name}: { kind: choice, choices: [${value}] }`);
  for (const [text, at] of [
    [fixed, `8 candidates.0.params.${name}`],
    [searched, `10 candidates.0.search.${name}`],
  ] as const) {
    const expected = `${at}: one of the task: ${words}, or the default, found ${value}`;
    expect(problemOf(ofTask(text))).toBe(words === "" ? "" : expected);
  }
});

describe("a search space", () => {
  const cases: readonly [string, string, string, string][] = [
    ["right", "learningRate: { kind: float, low: 0.01, high: 0.3, log: true }", "", ""],
    [
      "an empty range",
      "learningRate: { kind: float, low: 0.3, high: 0.1 }",
      "",
      "10 candidates.0.search.learningRate: a range with low ≤ high, found 0.3 … 0.1",
    ],
    [
      "no choice",
      "objective: { kind: choice, choices: [] }",
      "",
      "10 candidates.0.search.objective.choices: at least one value, found a list of 0",
    ],
    [
      "a range beyond the trainer's",
      "numLeaves: { kind: integer, low: 1, high: 31 }",
      "",
      "10 candidates.0.search.numLeaves: an integer in [2, 4096] (leaves), found 1",
    ],
    [
      "doubles for a whole number",
      "numLeaves: { kind: float, low: 2, high: 31 }",
      "",
      "10 candidates.0.search.numLeaves: kind integer, as the parameter is, found float",
    ],
    [
      "a logarithm of 0",
      "lambdaL2: { kind: float, low: 0, high: 1, log: true }",
      "",
      "10 candidates.0.search.lambdaL2: above 0 to be logarithmic, found 0",
    ],
    [
      "what is fixed already",
      "maxDepth: { kind: integer, low: 2, high: 8 }",
      "",
      "10 candidates.0.search.maxDepth: maxDepth fixed or searched, not both, found both",
    ],
    ["features to choose from", "features: { kind: choice, choices: ['*', '*_mean_*'] }", "", ""],
    [
      "features that are no texts",
      "features: { kind: choice, choices: [1, 2] }",
      "",
      "10 candidates.0.search.features: a choice of texts such as '*' and '*_mean_*', found choice",
    ],
    [
      "no time at all",
      "numLeaves: { kind: integer, low: 2, high: 8 }",
      "search: { budget: { time: 0s } }\n",
      "11 search.budget.time: a time above 0, e.g. 30m, found 0s",
    ],
    [
      "no trials at all",
      "numLeaves: { kind: integer, low: 2, high: 8 }",
      "search: { budget: { trials: 0 } }\n",
      "11 search.budget.trials: at least 1, found 0",
    ],
    [
      "a grid that no search could walk",
      "{ learningRate: { kind: float, low: 0.01, high: 1 }, lambdaL2: { kind: float, low: 0, high: 9 }, numLeaves: { kind: integer, low: 2, high: 99 } }",
      "search: { sampler: grid, grid: { values: 50 } }\n",
      "9 candidates.0.search: a grid of at most 10000 points (fewer dimensions, or a smaller search.grid.values), found 125000 points",
    ],
    [
      "a range of infinities",
      "learningRate: { kind: float, low: 0.01, high: .inf }",
      "",
      "10 candidates.0.search.learningRate.high",
    ],
    [
      "a step of nothing",
      "learningRate: { kind: float, low: 0.01, high: 0.1, step: 0 }",
      "",
      "10 candidates.0.search.learningRate: a step above 0 of its kind, found 0",
    ],
    [
      "a step and a logarithm",
      "learningRate: { kind: float, low: 0.01, high: 0.1, step: 0.01, log: true }",
      "",
      "10 candidates.0.search.learningRate: a step or a logarithm, found both",
    ],
    [
      "halves of a whole number",
      "numLeaves: { kind: integer, low: 2.5, high: 8 }",
      "",
      "10 candidates.0.search.numLeaves: integer bounds, found 2.5 … 8",
    ],
    [
      "the same choice twice",
      "objective: { kind: choice, choices: [auto, auto] }",
      "",
      "10 candidates.0.search.objective: each choice once, found auto twice",
    ],
    [
      "a parameter that the trainer does not have",
      "leafs: { kind: integer, low: 2, high: 8 }",
      "",
      "10 candidates.0.search.leafs: one of objective,",
    ],
    [
      "a parameter with a slip in its name",
      "learningRat: { kind: float, low: 0.01, high: 0.3 }",
      "",
      "did you mean learningRate?, found learningRat",
    ],
    [
      "no trial at a time",
      "numLeaves: { kind: integer, low: 2, high: 8 }",
      "search: { generation: 0 }\n",
      "11 search.generation: at least 1, found 0",
    ],
    [
      "an objective that the task does not have",
      "numLeaves: { kind: integer, low: 2, high: 8 }",
      "search: { objectives: [rocAuc, rmse] }\n",
      "11 search.objectives.1: a metric of binary tasks",
    ],
  ];
  it.each(cases)("%s", (_name, search, rest, problem) => {
    const found = problemOf(file(search, rest));
    if (problem === "") expect(found).toBe("");
    else expect(found).toContain(problem);
  });

  it("must be there for the settings of a search, and hold something", () => {
    const plain = file("X", "search: { generation: 2 }\n").replace("    search:\n      X\n", "");
    expect(problemOf(plain)).toContain("9 search: a candidate with a `search`");
    expect(problemOf(file("{}"))).toContain("candidates.0.search: at least one parameter, found none");
  });
});
