import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { trainIsolationForest } from "../anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../anomaly/pca-monitor.ts";
import { calibrateModel } from "../calibration/calibrator.ts";
import { mergeOutputs } from "../forecast/merge-outputs.ts";
import { calibrateClassModel } from "../calibration/class-calibrator.ts";
import { trainForest } from "../forest/trainer.ts";
import { trainGbdt } from "../gbdt/trainer.ts";
import type { Matrix } from "../matrix.ts";
import { selectRows } from "../matrix.ts";
import type { ConstantModel, LinearModel, OutputCap, TrainedModel } from "../model.ts";
import { predict } from "../model.ts";
import { averageModels } from "../model-average.ts";
import { createGenerator } from "../random/generator.ts";
import type { AnswerKind, TaskKind } from "../task-kind.ts";
import { exportOnnx, INPUT_NAME, OUTPUT_NAMES } from "./export.ts";
import { compareOutputs, thresholdProbes } from "./parity.ts";

const N_FEATURES = 6;

function createTable(taskKind: TaskKind, nRows: number): { matrix: Matrix; values: Float64Array } {
  const generator = createGenerator(`table/${taskKind}`);
  const data = Float64Array.from({ length: nRows * N_FEATURES }, () =>
    generator.next() < 0.05 ? Number.NaN : 50 * generator.normal(),
  );
  const values = Float64Array.from({ length: nRows }, (_, row) => {
    const [first, second] = data.subarray(row * N_FEATURES, row * N_FEATURES + 2);
    const score = (Number.isNaN(first) ? 70 : first) + Math.abs(second || 0) + 5 * generator.normal();
    if (taskKind === "regression") return 1e4 + score;
    return taskKind === "binary" ? Number(score > 60) : Math.max(0, Math.min(2, Math.floor(score / 40)));
  });
  return { matrix: { data, nRows, nColumns: N_FEATURES }, values };
}

function trainTrees(taskKind: TaskKind, seed = 1): TrainedModel {
  const { matrix, values } = createTable(taskKind, 1500);
  // More than 80 trees: ONNX Runtime then considers working on several at once.
  const parameters = { numIterations: 120, numLeaves: 15, baggingFraction: 0.8, baggingFreq: 1 };
  return trainGbdt({ matrix, target: { taskKind, values, nClasses: 3 }, parameters, seed }).model;
}

/** Columns 2 and 5 hold codes: many, with rare ones, and few. */
function trainWithCodes(): TrainedModel {
  const generator = createGenerator("codes");
  const nRows = 4000;
  const data = Float64Array.from({ length: nRows * N_FEATURES }, (_, cell) => {
    if (generator.next() < 0.05) return Number.NaN;
    const column = cell % N_FEATURES;
    return column === 2
      ? Math.floor(40 * generator.next() ** 2)
      : column === 5
        ? generator.integer(3)
        : generator.normal();
  });
  const effect = Array.from({ length: 40 }, () => 3 * generator.normal());
  const values = Float64Array.from({ length: nRows }, (_, row) => {
    const [first, , many, , , few] = data.subarray(row * N_FEATURES, (row + 1) * N_FEATURES);
    return (effect[many] ?? -4) + (few === 1 ? 2 : 0) + (first || 0);
  });
  return trainGbdt({
    matrix: { data, nRows, nColumns: N_FEATURES },
    target: { taskKind: "regression", values },
    categorical: [2, 5],
    parameters: { numIterations: 100, minDataPerGroup: 30 },
    seed: 1,
  }).model;
}

function trainForestOf(taskKind: TaskKind): TrainedModel {
  const { matrix, values } = createTable(taskKind, 800);
  return trainForest({
    matrix,
    target: { taskKind, values, nClasses: 3 },
    parameters: { numTrees: 90 },
    seed: 1,
  });
}

function linearModel(taskKind: TaskKind, nOutputs: number): LinearModel {
  const generator = createGenerator("linear");
  const draw = (length: number) => Array.from({ length }, () => generator.normal());
  return {
    kind: "linear",
    taskKind,
    nFeatures: 37,
    nOutputs,
    postTransform: taskKind === "regression" ? "identity" : taskKind === "binary" ? "sigmoid" : "softmax",
    means: draw(37),
    scales: draw(37).map((value) => Math.abs(value) + 0.1),
    coefficients: draw(37 * nOutputs),
    intercepts: draw(nOutputs),
  };
}

const constant: ConstantModel = {
  kind: "constant",
  taskKind: "multiclass",
  nFeatures: 4,
  nOutputs: 3,
  postTransform: "probability",
  base: [0.5, 0.3, 0.2],
};

function blendOf(taskKind: TaskKind): TrainedModel {
  const members = [trainTrees(taskKind), trainForestOf(taskKind)].filter(
    (member) => member.kind === "tree_ensemble",
  );
  const [first] = members;
  if (first === undefined) throw new Error("expected trees");
  const { nFeatures, nOutputs } = first;
  const base = { kind: "blend", taskKind, nFeatures, nOutputs, postTransform: "identity" } as const;
  const memberCap = taskKind === "regression" ? { memberCap: { min: 9990, max: 10_050 } } : {};
  return { ...base, members, weights: [0.3, 0.7], ...memberCap };
}

/** Two horizons of three quantiles that cross, from a present value that is sometimes missing. */
function forecastOf(kind: "trees" | "linear"): TrainedModel {
  const models =
    kind === "trees"
      ? [1, 2].map((seed) => trainTrees("regression", seed))
      : [linearModel("regression", 1), linearModel("regression", 1)];
  const merged = mergeOutputs(models, 3);
  const offsets = [3, 0, -3, 1, 0.5, 0];
  const forecast = { nQuantiles: 3, offsets, anchor: { column: 2, missing: -7.5 } };
  return { ...merged, taskKind: "forecast", forecast };
}

const PLATT = { method: "platt", scale: "log_odds", slope: 0.4, intercept: -1.3 } as const;
const CURVE = {
  method: "isotonic",
  knots: [0.01, 0.05, 0.2, 0.6, 0.61, 0.97],
  values: [0.02, 0.021, 0.1, 0.4, 0.49, 0.6],
} as const;

const CLASS_LINES = { kind: "lines", slopes: [0.4, 1.3, 2], intercepts: [0.2, -1, 0.5] } as const;

const cases: readonly { name: string; model: TrainedModel; cap?: OutputCap }[] = [
  { name: "boosted regression", model: trainTrees("regression") },
  { name: "boosted regression with cap", model: trainTrees("regression"), cap: { min: 9990, max: 10_050 } },
  { name: "boosted binary", model: trainTrees("binary") },
  { name: "boosted with codes", model: trainWithCodes() },
  { name: "boosted multi-class", model: trainTrees("multiclass") },
  { name: "forest regression", model: trainForestOf("regression") },
  { name: "forest binary", model: trainForestOf("binary") },
  { name: "forest multi-class", model: trainForestOf("multiclass") },
  {
    name: "average of boosted models",
    model: averageModels([1, 2, 3].map((seed) => trainTrees("binary", seed))),
  },
  { name: "linear regression", model: linearModel("regression", 1) },
  { name: "linear binary", model: linearModel("binary", 1) },
  { name: "boosted binary on a Platt line", model: calibrateModel(trainTrees("binary"), PLATT) },
  {
    name: "forest binary on a Platt line",
    model: calibrateModel(trainForestOf("binary"), { ...PLATT, scale: "probability", slope: 7 }),
  },
  { name: "boosted binary on an isotonic curve", model: calibrateModel(trainTrees("binary"), CURVE) },
  { name: "forest binary on an isotonic curve", model: calibrateModel(trainForestOf("binary"), CURVE) },
  {
    name: "boosted multi-class on lines",
    model: calibrateClassModel(trainTrees("multiclass"), { method: "platt", calibration: CLASS_LINES }),
  },
  {
    name: "forest multi-class on lines",
    model: calibrateClassModel(trainForestOf("multiclass"), { method: "platt", calibration: CLASS_LINES }),
  },
  {
    name: "forest multi-class on curves",
    model: calibrateClassModel(trainForestOf("multiclass"), {
      method: "isotonic",
      calibration: { kind: "curves", curves: [CURVE, CURVE, CURVE] },
    }),
  },
  { name: "linear multi-class", model: linearModel("multiclass", 4) },
  { name: "constant multi-class", model: constant },
  { name: "blended regression", model: blendOf("regression") },
  { name: "blended binary", model: blendOf("binary") },
  { name: "blended multi-class", model: blendOf("multiclass") },
  {
    name: "isolation forest",
    model: trainIsolationForest({ matrix: createTable("binary", 800).matrix, seed: 1 }),
  },
  { name: "forecast by trees", model: forecastOf("trees") },
  { name: "forecast by lines", model: forecastOf("linear") },
  { name: "PCA monitor", model: trainPcaMonitor({ matrix: createTable("binary", 800).matrix }) },
];

async function createRunner(bytes: Uint8Array, taskKind: AnswerKind) {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  return async (matrix: Matrix): Promise<Float64Array> => {
    const tensor = new ort.Tensor("float64", matrix.data, [matrix.nRows, matrix.nColumns]);
    const outputs = await session.run({ [INPUT_NAME]: tensor });
    return outputs[OUTPUT_NAMES[taskKind]].data as Float64Array;
  };
}

describe("exportOnnx in ONNX Runtime", () => {
  it.each(cases)("$name: agrees with the trainer and is bit-equal in any batch", async ({ model, cap }) => {
    const featureNames = Array.from({ length: model.nFeatures }, (_, column) => `f${column}`);
    const options = { featureNames, taskKind: model.taskKind, ...(cap === undefined ? {} : { cap }) };
    const bytes = exportOnnx(model, options);
    const readBack = JSON.parse(JSON.stringify(model)) as TrainedModel;
    expect(exportOnnx(readBack, options)).toEqual(bytes);
    const run = await createRunner(bytes, model.taskKind);

    const probes = thresholdProbes(model, 1000, "probes");
    const whole = await run(probes);
    const report = compareOutputs(predict(model, probes, cap).values, whole, model.nOutputs);
    // The tree operator's output is float32: 6e-8 of the deviation from the base score.
    expect(report.maxError).toBeLessThan(1e-6);

    for (const size of [1, 7, 64]) {
      for (let begin = 0; begin < 256; begin += size) {
        const rows = Array.from({ length: Math.min(size, 1000 - begin) }, (_, index) => begin + index);
        const part = await run(selectRows(probes, rows));
        const expected = whole.slice(begin * model.nOutputs, (begin + rows.length) * model.nOutputs);
        expect(part).toEqual(expected);
      }
    }
  });

  it("imputes inside the graph", async () => {
    const model = linearModel("regression", 1);
    const imputation = model.means.map((mean, column) => (column % 2 === 0 ? mean + 1 : Number.NaN));
    const featureNames = model.means.map((_, column) => `f${column}`);
    const run = await createRunner(
      exportOnnx(model, { featureNames, taskKind: "regression", imputation }),
      "regression",
    );
    const probes = thresholdProbes(model, 50, 3);
    const imputed = probes.data.map((value, index) => (Number.isNaN(value) ? imputation[index % 37] : value));
    const expected = predict(model, { ...probes, data: imputed }).values;
    expect(compareOutputs(expected, await run(probes), 1).maxError).toBeLessThan(1e-12);
  });
});

describe("exportOnnx", () => {
  const model = linearModel("regression", 1);
  const featureNames = model.means.map((_, column) => `f${column}`);

  it.each([
    ["too few names", { featureNames: ["a"], taskKind: "regression" }],
    ["another task", { featureNames, taskKind: "binary" }],
    ["short imputation", { featureNames, taskKind: "regression", imputation: [1] }],
    ["labels for a regression", { featureNames, taskKind: "regression", classLabels: ["a"] }],
    ["an empty cap", { featureNames, taskKind: "regression", cap: { min: 2, max: 1 } }],
  ] as const)("refuses %s", (_name, options) => {
    expect(() => exportOnnx(model, options)).toThrow(RangeError);
  });
});
