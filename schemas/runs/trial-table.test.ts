import { expect, it } from "vitest";
import { trialTable } from "./trial-table.ts";
import type { TrialView } from "./trial.ts";

const REF = { key: "processed/numbers/a.f64", sha256: "a".repeat(64), bytes: 1 };
const TRIAL: TrialView = {
  candidate: "gbdt-1",
  number: 0,
  state: "complete",
  parameters: { numLeaves: 7, objective: "huber" },
  objectives: [{ metric: "r2", value: 0.5, loss: -0.5 }],
  loss: -0.5,
  metrics: { r2: 0.5 },
  folds: [{ repeat: 0, fold: 1, value: 0.5, rounds: 3, rows: REF }],
  seconds: 1.5,
  seed: 7,
};
const FAILED: TrialView = {
  ...TRIAL,
  number: 1,
  state: "failed",
  parameters: { numLeaves: 9, extra: 1 },
  objectives: [],
  loss: null,
  metrics: {},
  folds: [],
  message: "why",
};

it("has a column for every value that any trial has", () => {
  const { columns, rows } = trialTable([TRIAL, FAILED]);
  const asObjects = rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
  expect(asObjects).toEqual([
    {
      candidate: "gbdt-1",
      number: 0,
      state: "complete",
      loss: -0.5,
      "objective.r2": 0.5,
      "param.numLeaves": 7,
      "param.objective": "huber",
      "param.extra": null,
      "metric.r2": 0.5,
      "fold.0.1": 0.5,
      seconds: 1.5,
      seed: 7,
      message: null,
    },
    expect.objectContaining({ state: "failed", loss: null, "fold.0.1": null, message: "why" }),
  ]);
  const texts = columns.filter(({ isNumber }) => !isNumber).map(({ name }) => name);
  expect(texts).toEqual(["candidate", "state", "param.objective", "message"]);
});

it("has the fixed columns where there are no trials", () => {
  expect(trialTable([]).columns.length).toBe(7);
});
