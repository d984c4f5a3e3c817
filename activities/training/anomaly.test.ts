import { describe, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { predict } from "../../numerics/model.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { evaluateHoldout } from "../evaluation/evaluate-holdout.ts";
import { exportGraph } from "../evaluation/export-graph.ts";
import type { Detection } from "./detection.ts";
import type { Problem } from "./problem.ts";
import { summariseCandidates } from "./summarise-candidates.ts";
import { trainFinalModels } from "./train-final.ts";
import { trainOneFold } from "./train-one-fold.ts";

/** Five machines over forty days, four readings a day; on every tenth day one sensor leaves the pattern. */
const N_ASSETS = 5;
const N_DAYS = 40;
const N_ROWS = N_ASSETS * N_DAYS * 4;
const HOOKS = {};

const random = createGenerator("machines");
const rows = Array.from({ length: N_ROWS }, (_, row) => row);
const isUnusual = rows.map((row) => Number(Math.floor(row / 4) % 10 === 9 && row % 4 > 1));
const data = Float64Array.from(
  rows.flatMap((row) => {
    const load = random.normal();
    const noise = () => 0.1 * random.normal();
    return [load + noise(), 2 * load + noise(), -load + noise() + 2 * (isUnusual[row] ?? 0), noise()];
  }),
);
const matrix = { data, nRows: N_ROWS, nColumns: 4 };
const assetOf = rows.map((row) => Math.floor(row / (4 * N_DAYS)));
const assetDay = Float64Array.from(rows, (row) => Math.floor(row / 4));
const PARAMS = { seeds: 1, params: {} } as const;
const CANDIDATES: readonly Candidate[] = [
  { kind: "pca_monitor", ...PARAMS },
  { kind: "isolation_forest", ...PARAMS, params: { numTrees: 50 } },
];

function problemWith(detection: Detection): Problem {
  const primaryMetric = detection.hasLabel ? "averagePrecision" : "stability";
  const shape = { nClasses: 1, cap: null, bounds: null };
  return { kind: "anomaly", metricTask: "anomaly", primaryMetric, ...shape, detection };
}

const NONE = new Int32Array();

function crossValidate(truth: Float64Array) {
  return CANDIDATES.map((candidate) => {
    const parts = Array.from({ length: N_ASSETS }, (_, fold) => {
      const validate = Int32Array.from(rows.filter((row) => assetOf[row] === fold));
      const train = Int32Array.from(rows.filter((row) => assetOf[row] !== fold && truth[row] !== 1));
      const { predictions } = trainOneFold(
        {
          matrix,
          categorical: [],
          featureNames: [],
          target: { taskKind: "anomaly" },
          rows: {
            train,
            validate,
            earlyStop: NONE,
            censored: { train: NONE, earlyStop: NONE, validate: NONE },
          },
          candidate,
          seed: 7,
          bounds: null,
        },
        HOOKS,
      );
      return predictions;
    });
    const prediction = Float64Array.from(parts.flatMap((part) => [...part]));
    const fold = Int32Array.from(assetOf);
    const repeats = [{ truth, truthRaw: truth, prediction, fold, assetDay }];
    return { name: candidate.kind, kind: candidate.kind, repeats, iterations: null };
  });
}

describe("a detector from folds to holdout", () => {
  const labelled = Float64Array.from(isUnusual);
  const unlabelled = new Float64Array(N_ROWS).fill(Number.NaN);

  it("is ranked by the label and decides by it where there is one", () => {
    const detection = { hasLabel: true, isHealthyLabelled: true, budget: null, isRanked: true };
    const problem = problemWith(detection);
    const candidates = crossValidate(labelled);
    const summary = summariseCandidates(
      { problem, candidates, blends: [], costs: null, calibration: "none", level: 0.9 },
      HOOKS,
    );
    expect(summary.chosen).toBe("pca_monitor");
    const [pca] = summary.candidates;
    expect(pca?.cv["averagePrecision"]).toBeGreaterThan(0.95);
    expect(pca?.cv["f1"]).toBeGreaterThan(0.9);
  });

  it("takes the first candidate and keeps the budget without a label", () => {
    const budget = { kind: "perAssetMonth", alerts: 3 } as const;
    const detection = { hasLabel: false, isHealthyLabelled: false, budget, isRanked: false };
    const problem = problemWith(detection);
    const candidates = crossValidate(unlabelled);
    const summary = summariseCandidates(
      { problem, candidates, blends: [], costs: null, calibration: "none", level: 0.9 },
      HOOKS,
    );
    expect(summary.chosen).toBe("pca_monitor");
    const [pca] = summary.candidates;
    expect(Object.keys(pca?.cv ?? {}).sort()).toEqual(["alertShare", "stability"]);
    const { model, baseline } = trainFinalModels(
      {
        matrix,
        categorical: [],
        featureNames: [],
        target: { taskKind: "anomaly" },
        trainRows: Int32Array.from(rows),
        censoredRows: NONE,
        parts: [{ candidate: CANDIDATES[0] ?? null, iterations: null, weight: 1 }],
        bounds: null,
        calibrator: { method: "none" },
        offsets: null,
        seed: 7,
      },
      HOOKS,
    );
    const prediction = predict(model, matrix).values;
    const threshold = pca?.threshold ?? null;
    const evaluated = evaluateHoldout(
      {
        problem,
        truth: unlabelled,
        truthRaw: unlabelled,
        prediction,
        baseline: predict(baseline, matrix).values,
        hasBaseline: true,
        groups: Int32Array.from(assetOf),
        threshold,
        interval: null,
        costs: null,
        slices: [],
        seed: 1,
        assetDay,
      },
      HOOKS,
    );
    expect(Object.keys(evaluated.test)).toEqual(["alertShare"]);
    const chosen = evaluated.thresholds.find((row) => row["threshold"] === threshold);
    expect(chosen?.["alertsPerAssetMonth"]).toBeLessThan(4);
    expect(chosen?.["alertsPerAssetMonth"]).toBeGreaterThan(1);
    const graph = exportGraph(
      { model, featureNames: ["a", "b", "c", "d"], classLabels: null, bounds: null },
      HOOKS,
    );
    expect(graph.onnx.length).toBeGreaterThan(100);
  });
});
