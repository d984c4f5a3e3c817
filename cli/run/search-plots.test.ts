import { expect, it } from "vitest";
import type { SearchView, TrialView } from "../../schemas/runs/trial.ts";
import { Output } from "../output.ts";
import { showHistory, showImportance, showTrial } from "./search-plots.ts";
import { textPlot } from "./text-plot.ts";

function printed(show: (output: Output) => void): string[] {
  let text = "";
  const stream = { write: (part: string) => (text += part) };
  show(new Output({ stdout: stream, stderr: stream, environment: {} }));
  return text.split("\n");
}

const trialOf = (number: number, value: number, state: TrialView["state"] = "complete"): TrialView => ({
  candidate: "gbdt",
  number,
  state,
  parameters: { rate: 0.125, kind: "a" },
  objectives: state === "failed" ? [] : [{ metric: "rocAuc", value, loss: -value }],
  loss: state === "failed" ? null : -value,
  metrics: {},
  folds: [{ repeat: 0, fold: 0, value, rounds: 12, rows: { key: "a", sha256: "b", bytes: 1 } }],
  seconds: 1,
  seed: 1,
});

const options = { width: 5, height: 3, xTitle: "trial", numberText: String };

it("draws the corners where they belong", () => {
  const points = [
    [0, 1],
    [2, 3],
    [4, 2],
  ] as const;
  expect(textPlot([{ mark: "o", points }], options)).toEqual([
    "3 ┤  o",
    "  ┤    o",
    "1 ┤o",
    "  └─────",
    "   0trial 4",
  ]);
});

it.each([
  ["nothing", []],
  ["what is undefined", [[1, Number.NaN] as const]],
])("draws %s as no lines", (_name, points) => {
  expect(textPlot([{ mark: "o", points }], options)).toEqual([]);
});

it("draws a single value, and equal ones, without a range", () => {
  expect(textPlot([{ mark: "o", points: [[3, 7]] }], { ...options, height: 1 })[0]).toBe("7 ┤o");
});

it("shows how a search came to its best, pruned and failed trials beside", () => {
  const trials = [trialOf(0, 0.6), trialOf(1, 0.5, "pruned"), trialOf(2, 0, "failed"), trialOf(3, 0.8)];
  const lines = printed((output) => showHistory(output, trials));
  expect(lines[0]).toBe("rocAuc by trial: ● complete, × pruned, ─ best so far");
  expect(lines[1]).toMatch(/^0\.8 ┤ +●$/);
  expect(lines.find((line) => line.startsWith("0.5 ┤"))).toMatch(/×/);
  expect(lines.slice(1).filter((line) => line.includes("●"))).toHaveLength(2);
  expect(printed((output) => showHistory(output, trials.slice(2, 3)))).toEqual([""]);
});

it("shows what the loss hangs on, the most important first", () => {
  const importance = [
    { parameter: "learningRate", share: 0.75 },
    { parameter: "numLeaves", share: 0.25 },
  ];
  const lines = printed((output) => showImportance(output, { importance } as unknown as SearchView));
  expect(lines[1]).toBe(`  learningRate  0.75 ${"█".repeat(30)}`);
  expect(lines[2]).toBe(`  numLeaves     0.25 ${"█".repeat(10)}`);
});

it("shows one trial with its folds and its learning curve", () => {
  const folds = [
    { repeat: 0, fold: 0, history: [0.9, 0.5, null] },
    { repeat: 0, fold: 1, history: [0.7, 0.3] },
  ];
  const text = printed((output) =>
    showTrial(output, trialOf(4, 0.8), { candidate: "gbdt", number: 4, folds }),
  ).join("\n");
  expect(text).toMatch(/trial 4 of gbdt {2}complete/);
  expect(text).toMatch(/rate +0\.125/);
  expect(text).toMatch(/0\.8 ┤●/);
  expect(text).toMatch(/0\.4 ┤ +●/);
  expect(text).toMatch(/figure on the early-stopping rows \(the training loss, lower is better/);
});

it("draws the mean of the learning curves no further than every fold goes", () => {
  const folds = [
    { repeat: 0, fold: 0, history: [0.9, 0.5] },
    { repeat: 0, fold: 1, history: [0.7, 0.3, 0.1, 0.01] },
    { repeat: 1, fold: 0, history: [] },
  ];
  const text = printed((output) =>
    showTrial(output, trialOf(4, 0.8), { candidate: "gbdt", number: 4, folds }),
  ).join("\n");
  expect(text).toMatch(/0\.4 ┤ +●/);
  expect(text).toMatch(/1 +round 2\n/);
  expect(text).toContain("mean of 2 folds");
  expect(text).toContain("one ended after 2, the longest after 4");
});

it.each([
  ["rocAuc", "rocAuc, higher is better"],
  ["macroF1", "macroF1, higher is better"],
  ["mae", "mae, lower is better"],
  ["loss", "loss, lower is better"],
])("names the stopping metric %s where it was searched", (stoppingMetric, expected) => {
  const trial = { ...trialOf(4, 0.8), parameters: { stoppingMetric } };
  const folds = [{ repeat: 0, fold: 0, history: [0.9, 0.5] }];
  const text = printed((output) => showTrial(output, trial, { candidate: "gbdt", number: 4, folds }));
  expect(text.join("\n")).toContain(`(${expected})`);
});
