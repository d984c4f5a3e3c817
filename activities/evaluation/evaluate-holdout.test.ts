import { describe, expect, it } from "vitest";
import type { Problem } from "../training/problem.ts";
import { evaluateHoldout } from "./evaluate-holdout.ts";
import type { HoldoutJob } from "./evaluate-holdout.ts";

const HOOKS = { signal: new AbortController().signal, onProgress: () => undefined };
const N = 40;
const rows = Array.from({ length: N }, (_, row) => row);
const truth = Float64Array.from(rows, (row) => (row % 4 === 0 ? 1 : 0));
/** Right but for the rows 0 and 1. */
const prediction = Float64Array.from(rows, (row) =>
  row === 0 ? 0.1 : row === 1 ? 0.9 : truth[row] === 1 ? 0.8 : 0.2,
);

const binary: Problem = {
  kind: "binary",
  metricTask: "binary",
  primaryMetric: "f1",
  nClasses: 2,
  cap: null,
  bounds: null,
};

const job: HoldoutJob = {
  problem: binary,
  truth,
  truthRaw: truth,
  prediction,
  baseline: new Float64Array(N).fill(0.25),
  hasBaseline: true,
  groups: Int32Array.from(rows, (row) => Math.floor(row / 5)),
  threshold: 0.5,
  interval: null,
  costs: { missedFailure: 100, falseAlarm: 7 },
  slices: [
    {
      column: "site",
      codes: Int32Array.from(rows, (row) => (row < 12 ? 1 : row < 37 ? 0 : 2)),
      values: [{ value: "Nord" }, { value: "Süd" }, { value: "no value", bucket: "missing" }],
    },
  ],
  seed: 1,
};

describe("evaluateHoldout", () => {
  it("gives each slice its rows, assets and metrics, and none to few rows", () => {
    const { slices } = evaluateHoldout(job, HOOKS);
    expect(slices.map(({ value, bucket, rows: n, assets }) => [value, bucket, n, assets])).toEqual([
      ["Nord", undefined, 25, 6],
      ["Süd", undefined, 12, 3],
      ["no value", "missing", 3, 1],
    ]);
    expect(slices[0]?.metrics["f1"]).toBe(1);
    expect(slices[1]?.metrics["recall"]).toBeCloseTo(2 / 3);
    expect(slices[2]?.metrics).toEqual({});
  });

  it("says what the chosen threshold costs, once, and how far probabilities can be trusted", () => {
    const { thresholds, calibration } = evaluateHoldout({ ...job, threshold: 0.55 }, HOOKS);
    expect(thresholds).toHaveLength(19);
    expect(evaluateHoldout({ ...job, threshold: 0.123 }, HOOKS).thresholds).toHaveLength(20);
    expect(thresholds.find((row) => row["threshold"] === 0.55)).toMatchObject({
      missedFailures: 1,
      falseAlarms: 1,
      cost: 107,
    });
    expect(calibration?.bins.map(({ nRows }) => nRows)).toEqual([1, 29, 9, 1]);
    expect(calibration?.expectedError).toBeGreaterThan(0);
  });

  it("knows no threshold of three classes, and how sure the likeliest may be taken to be", () => {
    const codes = Float64Array.from(rows, (row) => row % 3);
    const shares = Float64Array.from(
      rows.flatMap((row) => [0, 1, 2].map((c) => (c === row % 3 ? 0.8 : 0.1))),
    );
    const found = evaluateHoldout(
      {
        ...job,
        problem: {
          ...binary,
          kind: "multiclass",
          metricTask: "multiclass",
          primaryMetric: "macroF1",
          nClasses: 3,
        },
        truth: codes,
        truthRaw: codes,
        prediction: shares,
        baseline: new Float64Array(3 * N).fill(1 / 3),
        hasBaseline: true,
        threshold: null,
        costs: null,
      },
      HOOKS,
    );
    expect(found.thresholds).toEqual([]);
    // Always right where it says 0.8.
    expect(found.calibration?.expectedError).toBeCloseTo(0.2, 12);
    expect(found.calibration?.bins).toMatchObject([{ nRows: 40, observedRate: 1 }]);
    expect(found.test).toMatchObject({ macroF1: 1, accuracy: 1 });
    expect(found.slices[0]?.metrics["macroF1"]).toBe(1);
    expect(found.slices[0]?.metrics["logLoss"]).toBeCloseTo(-Math.log(0.8));
  });

  it("counts lives that have not ended in the order and the likelihood of lives alone", () => {
    const lives = Float64Array.from(rows, (row) => 10 + row);
    const late = lives.map((life) => life + 1);
    const known: HoldoutJob = {
      ...job,
      problem: { ...binary, kind: "regression", metricTask: "rul", primaryMetric: "lifeLoss", nClasses: 1 },
      truth: lives,
      truthRaw: lives.map((life) => (life > 45 ? Number.NaN : life)),
      prediction: late,
      baseline: new Float64Array(N).fill(30),
      threshold: null,
      costs: null,
    };
    const short = { least: Float64Array.of(40), prediction: Float64Array.of(0) };
    const alone = evaluateHoldout(known, HOOKS);
    const beside = evaluateHoldout({ ...known, censored: short }, HOOKS);
    expect(alone.test).toMatchObject({ rmse: 1, rmseRaw: 1, rmseIpcw: 1, concordance: 1 });
    expect(beside.test["rmse"]).toBe(1);
    expect(beside.test["concordance"]).toBeLessThan(1);
    expect(beside.test["lifeLoss"]).toBeGreaterThan(alone.test["lifeLoss"] ?? 0);
    expect(beside.baseline["concordance"]).toBe(0.5);
  });
});
