import { describe, expect, it } from "vitest";
import { scaleOf } from "../../numerics/calibration/calibrator.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { canonicalJson } from "../../schemas/canonical-json.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import { servedInterval } from "../evaluation/version-documents.ts";
import { fitCandidate } from "./fit-candidate.ts";
import type { Problem } from "./problem.ts";
import { selectionSchema } from "./selection.ts";
import { summariseCandidates } from "./summarise-candidates.ts";
import { scoreScaleOf } from "./uncertainty.ts";

const BINARY: Problem = {
  kind: "binary",
  metricTask: "binary",
  primaryMetric: "averagePrecision",
  nClasses: 2,
  cap: null,
  bounds: null,
};
const RUL: Problem = {
  kind: "regression",
  metricTask: "rul",
  primaryMetric: "rmse",
  nClasses: 1,
  cap: 125,
  bounds: { min: 0, max: 125 },
};
const N_ROWS = 1_000;

/** Rows of a model that says p where the chance is p², or is off by a tenth of a life. */
function draw(isBinary: boolean) {
  const generator = createGenerator("uncertainty");
  const share = Float64Array.from({ length: N_ROWS }, () => generator.next());
  const truth = share.map((p) =>
    isBinary
      ? Number(generator.next() < p * p)
      : Math.min(125, Math.max(0, 125 * p + 12 * generator.normal())),
  );
  const prediction = isBinary ? share : share.map((p) => 125 * p);
  const fold = Int32Array.from({ length: N_ROWS }, (_, row) => row % 5);
  return { truth, truthRaw: truth, prediction, fold };
}

function summarise(problem: Problem, kind: string) {
  const candidates = [{ name: "a", kind, repeats: [draw(problem.kind === "binary")], iterations: null }];
  const choice = { calibration: "auto", level: 0.9 } as const;
  const summary = summariseCandidates({ problem, candidates, blends: [], costs: null, ...choice }, {});
  const selection = {
    kind: "aura.selection/2",
    chosen: summary.chosen,
    primaryMetric: problem.primaryMetric,
    candidates: summary.candidates,
    cvRows: N_ROWS,
  };
  // As it is stored and read back.
  return selectionSchema.parse(JSON.parse(canonicalJson(selection))).candidates[0];
}

describe("what cross-validation says of how sure answers are", () => {
  it.each(["gbdt", "forest", "blend"])(
    "calibrates the probabilities of a %s, and its threshold with them",
    (kind) => {
      const found = summarise(BINARY, kind);
      expect(found?.calibration?.calibrator.method).not.toBe("none");
      expect(found?.interval).toBeNull();
      const [chosen, ...others] = found?.calibration?.trials ?? [];
      const raw = others.find(({ method }) => method === "none");
      expect(found?.cv["logLoss"]).toBe(chosen?.logLoss);
      expect(chosen?.logLoss).toBeLessThan(raw?.logLoss ?? 0);
      // F1 is best about where the chance is a third: p ≈ 0.6 as the model says it.
      expect(found?.threshold).toBeLessThan(0.5);
    },
  );

  it("puts intervals around numbers, in the signature as they were fitted", () => {
    const found = summarise(RUL, "gbdt");
    expect(found?.calibration).toBeNull();
    expect(found?.cv["intervalCoverage"]).toBeGreaterThan(0.88);
    expect(found?.cv["intervalCoverage"]).toBeLessThan(0.92);
    const interval = servedInterval(found?.interval?.rule, RUL);
    const signature = {
      kind: "aura.signature/1",
      problem: "regression",
      task: "rul",
      inputs: [],
      output: { name: "value", interval },
    };
    const readBack = signatureSchema.parse(JSON.parse(canonicalJson(signature)));
    expect(readBack.output.interval).toEqual(interval);
    expect(interval).toMatchObject({ level: 0.9, min: 0, max: 125 });
  });

  it("calibrates several classes, and judges decisions as they will be answered", () => {
    const generator = createGenerator("classes");
    const nClasses = 3;
    const prediction = new Float64Array(N_ROWS * nClasses);
    const truth = Float64Array.from({ length: N_ROWS }, (_, row) => {
      const sure = generator.next();
      prediction.set([sure, (1 - sure) * 0.5, (1 - sure) * 0.5], row * nClasses);
      // The first class is half as likely as the model says.
      return generator.next() < sure / 2 ? 0 : 1 + generator.integer(2);
    });
    const rows = { truth, truthRaw: truth, prediction, fold: Int32Array.from(truth, (_, row) => row % 5) };
    const problem: Problem = {
      ...BINARY,
      kind: "multiclass",
      metricTask: "multiclass",
      primaryMetric: "macroF1",
      nClasses,
    };
    const summaryOf = (calibration: "auto" | "none") =>
      summariseCandidates(
        {
          problem,
          candidates: [{ name: "a", kind: "forest", repeats: [rows], iterations: null }],
          blends: [],
          costs: null,
          calibration,
          level: 0.9,
        },
        {},
      ).candidates[0];
    const [calibrated, raw] = [summaryOf("auto"), summaryOf("none")];
    expect(calibrated?.calibration?.calibrator.method).not.toBe("none");
    for (const metric of ["logLoss", "brier"])
      expect(calibrated?.cv[metric]).toBeLessThan((raw?.cv[metric] ?? 0) * 0.95);
    expect(calibrated?.cv["accuracy"]).toBeGreaterThan(raw?.cv["accuracy"] ?? 1);
    const document = {
      kind: "aura.selection/2",
      chosen: "a",
      primaryMetric: "macroF1",
      candidates: [calibrated],
      cvRows: N_ROWS,
    };
    expect(selectionSchema.parse(JSON.parse(canonicalJson(document))).candidates[0]).toEqual(calibrated);
  });

  it("has neither for the constant baseline", () => {
    const candidates = [
      { name: "baseline", kind: "constant", repeats: [draw(false)], iterations: null },
      { name: "a", kind: "gbdt", repeats: [draw(false)], iterations: null },
    ];
    const choice = { calibration: "auto", level: 0.9 } as const;
    const job = { problem: RUL, candidates, blends: [], costs: null, ...choice };
    const [baseline] = summariseCandidates(job, {}).candidates;
    expect([baseline?.calibration, baseline?.interval]).toEqual([null, null]);
  });
});

it.each(["gbdt", "forest", "linear"] as const)(
  "a %s has its raw score in the scale that calibration takes it for",
  (kind) => {
    const generator = createGenerator("scale");
    const data = Float64Array.from({ length: 200 }, () => generator.normal());
    const values = data.map((value) => Number(value > 0));
    const { model } = fitCandidate(
      {
        matrix: { data, nRows: 200, nColumns: 1 },
        categorical: [],
        featureNames: [],
        target: { taskKind: "binary", values },
        candidate: { kind, params: {}, seeds: 1 },
        trainRows: Int32Array.from({ length: 200 }, (_, row) => row),
        seed: 1,
      },
      {},
    );
    expect(scaleOf(model)).toBe(scoreScaleOf(kind));
  },
);
