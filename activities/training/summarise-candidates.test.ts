import { describe, expect, it } from "vitest";
import { chooseThreshold } from "../../numerics/evaluation/threshold.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import { outOfFoldDecisionMetrics } from "./out-of-fold-decisions.ts";
import { summariseCandidates } from "./summarise-candidates.ts";
import type { PooledRows } from "./summarise-candidates.ts";

const HOOKS = {};
const CHOICE = { calibration: "none", level: 0.9 } as const;

/** Scores without any signal: what a threshold gains on them is luck. */
function noise(nRows: number): PooledRows {
  let state = 12_345;
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const truth = Float64Array.from({ length: nRows }, () => (next() < 0.1 ? 1 : 0));
  const prediction = Float64Array.from({ length: nRows }, next);
  return { truth, truthRaw: truth, prediction, fold: Int32Array.from({ length: nRows }, (_, i) => i % 5) };
}

describe("cross-validated decisions", () => {
  it("decide each fold by a threshold that never saw it", () => {
    // Fold 0 alone would be cut at 0.2; where folds 1 or 2 have a say the cut is 0.8.
    const truth = Float64Array.of(0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1);
    const rows: PooledRows = {
      truth,
      truthRaw: truth,
      prediction: Float64Array.of(0.1, 0.3, 0.7, 0.7, 0.7, 0.9, 0.9, 0.9, 0.7, 0.7, 0.7, 0.9, 0.9, 0.9),
      fold: Int32Array.of(0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2),
    };
    // Fold 0's failure at 0.3 is missed.
    expect(outOfFoldDecisionMetrics(rows)).toMatchObject({ precision: 1, recall: 6 / 7 });
  });

  it("are not better than the threshold chosen on the scored rows themselves", () => {
    const rows = noise(300);
    const { threshold } = chooseThreshold(rows.truth, rows.prediction);
    const seen = computeMetrics("binary", rows.truth, rows.prediction, { threshold })["f1"] as number;
    expect(outOfFoldDecisionMetrics(rows)["f1"] ?? 0).toBeLessThan(seen);
  });

  it("never alert where the other folds hold no failure", () => {
    const truth = Float64Array.of(1, 1, 0, 0);
    const rows: PooledRows = {
      truth,
      truthRaw: truth,
      prediction: Float64Array.of(0.9, 0.8, 0.1, 0.2),
      fold: Int32Array.of(0, 0, 1, 1),
    };
    expect(outOfFoldDecisionMetrics(rows)["recall"]).toBe(0);
  });

  it("stand in the summary, which keeps the pooled threshold for serving", () => {
    const rows = noise(300);
    const candidates = [{ name: "a", kind: "linear", repeats: [rows], iterations: null }];
    const problem = {
      kind: "binary",
      metricTask: "binary",
      primaryMetric: "f1",
      nClasses: 2,
      cap: null,
      bounds: null,
    } as const;
    const job = { problem, candidates, blends: [], costs: null, ...CHOICE };
    const [summary] = summariseCandidates(job, HOOKS).candidates;
    expect(summary?.threshold).toBe(chooseThreshold(rows.truth, rows.prediction).threshold);
    expect(summary?.cv["f1"]).toBe(outOfFoldDecisionMetrics(rows)["f1"]);
  });
});

describe("a blend", () => {
  it("is judged on its members' out-of-fold answers and can be chosen", () => {
    const truth = Float64Array.from({ length: 60 }, (_, row) => row % 2);
    const fold = Int32Array.from({ length: 60 }, (_, row) => row % 3);
    // Each member misjudges other rows, so that only their mean ranks all of them.
    const member = (name: string, off: number) => {
      const prediction = truth.map((value, row) => (row % 6 === off ? 1 - value : value * 0.8 + 0.1));
      return { name, kind: "gbdt", iterations: 10, repeats: [{ truth, truthRaw: truth, prediction, fold }] };
    };
    const candidates = [member("a", 0), member("b", 1), member("c", 4)];
    const blends = [{ name: "mean", members: ["a", "b", "c"], weighting: "equal" as const }];
    const problem = {
      kind: "binary",
      metricTask: "binary",
      primaryMetric: "rocAuc",
      nClasses: 2,
      cap: null,
      bounds: null,
    } as const;
    const summary = summariseCandidates({ problem, candidates, blends, costs: null, ...CHOICE }, HOOKS);
    expect(summary.chosen).toBe("mean");
    const blend = summary.candidates.find(({ name }) => name === "mean");
    expect(blend?.cv["rocAuc"]).toBe(1);
    expect(blend?.members?.map(({ weight }) => weight)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });

  it("is chosen before a better member that stands for blends alone", () => {
    const truth = Float64Array.from({ length: 40 }, (_, row) => row % 2);
    const fold = Int32Array.from({ length: 40 }, (_, row) => (row % 4 > 1 ? 1 : 0));
    const rows = (prediction: Float64Array) => [{ truth, truthRaw: truth, prediction, fold }];
    const noisy = truth.map((value, row) => (row < 6 ? 1 - value : value));
    const candidates = [
      { name: "best", kind: "gbdt", iterations: null, repeats: rows(truth), isMemberOnly: true },
      { name: "other", kind: "forest", iterations: null, repeats: rows(noisy), isMemberOnly: true },
      { name: "plain", kind: "linear", iterations: null, repeats: rows(noisy) },
    ];
    const blends = [{ name: "mean", members: ["best", "other"], weighting: "equal" as const }];
    const shape = { nClasses: 2, cap: null, bounds: null };
    const problem = { kind: "binary", metricTask: "binary", primaryMetric: "rocAuc", ...shape } as const;
    const job = { problem, candidates, blends, costs: null, ...CHOICE };
    expect(summariseCandidates(job, HOOKS).chosen).toBe("mean");
  });
});

it("keeps of a chosen regression how far off its folds were, by answer", () => {
  const prediction = Float64Array.from({ length: 4_000 }, (_, i) => i / 20);
  const truth = prediction.map((answer, i) => answer * (i % 2 === 0 ? 1.1 : 0.9));
  const fold = Int32Array.from({ length: 4_000 }, (_, i) => i % 5);
  const rows = { truth, truthRaw: truth, prediction, fold };
  const { errors } = summariseCandidates(
    {
      problem: {
        kind: "regression",
        metricTask: "rul",
        primaryMetric: "rmse",
        nClasses: 1,
        cap: null,
        bounds: null,
      },
      candidates: [{ name: "a", kind: "linear", repeats: [rows], iterations: null }],
      blends: [],
      costs: null,
      ...CHOICE,
    },
    HOOKS,
  );
  // A tenth of the answer: the model of it follows.
  errors?.knots.forEach((answer, bin) => expect(errors.absolute[bin]).toBeCloseTo(0.1 * answer, 6));
  expect(errors?.knots.length).toBe(20);
});
