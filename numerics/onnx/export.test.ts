import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { trainIsolationForest } from "../anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../anomaly/pca-monitor.ts";
import { calibrateModel } from "../calibration/calibrator.ts";
import { mergeOutputs } from "../forecast/merge-outputs.ts";
import { calibrateClassModel } from "../calibration/class-calibrator.ts";
import { trainForest } from "../forest/trainer.ts";
import { trainGbdt } from "../gbdt/trainer.ts";
import { trainLinear } from "../linear/trainer.ts";
import type { Matrix } from "../matrix.ts";
import { selectRows } from "../matrix.ts";
import type { ConstantModel, LinearModel, OutputCap, TrainedModel } from "../model.ts";
import { predict } from "../model.ts";
import { averageModels } from "../model-average.ts";
import { spreadModel } from "../model-columns.ts";
import { createGenerator } from "../random/generator.ts";
import type { AnswerKind, TaskKind } from "../task-kind.ts";
import { checkOnnx } from "./inspection/inspect.ts";
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

const trained = new Map<string, TrainedModel>();

/** Many cases are made of the same model: it is trained once. */
function once(key: string, train: () => TrainedModel): TrainedModel {
  const model = trained.get(key) ?? train();
  trained.set(key, model);
  return model;
}

function trainTrees(taskKind: TaskKind, seed = 1): TrainedModel {
  return once(`trees/${taskKind}/${seed}`, () => boost(taskKind, seed));
}

function boost(taskKind: TaskKind, seed: number): TrainedModel {
  const { matrix, values } = createTable(taskKind, 1500);
  // More than 80 trees: ONNX Runtime then considers working on several at once.
  const parameters = { numIterations: 120, numLeaves: 15, baggingFraction: 0.8, baggingFreq: 1 };
  return trainGbdt({ matrix, target: { taskKind, values, nClasses: 3 }, parameters, seed }).model;
}

/** Columns 2 and 5 hold codes: many, with rare ones, and few. */
function boostCodes(): TrainedModel {
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

const trainWithCodes = (): TrainedModel => once("codes", boostCodes);

/** Every tenth life had not ended yet: its target is a lower bound. */
function trainCensored(): TrainedModel {
  const { matrix, values } = createTable("regression", 1500);
  return trainGbdt({
    matrix,
    target: { taskKind: "regression", values },
    censored: Uint8Array.from(values, (_, row) => Number(row % 10 === 0)),
    parameters: { objective: "censoredNormal", numIterations: 100, numLeaves: 15 },
    seed: 1,
  }).model;
}

function trainForestOf(taskKind: TaskKind, splitter: "best" | "random" = "best"): TrainedModel {
  const { matrix, values } = createTable(taskKind, 800);
  const target = { taskKind, values, nClasses: 3 };
  return once(`forest/${taskKind}/${splitter}`, () =>
    trainForest({ matrix, target, parameters: { numTrees: 90, splitter }, seed: 1 }),
  );
}

/** Ridge, logistic regression, or an elastic net where there is an L1 penalty. */
function trainLinearOf(taskKind: TaskKind, lambdaL1 = 0): TrainedModel {
  const { matrix, values } = createTable(taskKind, 800);
  const filled = matrix.data.map((value) => (Number.isNaN(value) ? 7 : value));
  return trainLinear({
    matrix: { ...matrix, data: filled },
    target: { taskKind, values, nClasses: 3 },
    parameters: { lambdaL1 },
  });
}

/** As a candidate's `features` make it: trained on six columns, served nine. */
function spread(model: TrainedModel): TrainedModel {
  return spreadModel(model, [0, 2, 3, 5, 7, 8], 9);
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

/** Of boosting and `other`. */
function blendOf(taskKind: TaskKind, other = trainForestOf(taskKind)): TrainedModel {
  const members = [trainTrees(taskKind), other].filter((member) => member.kind !== "blend");
  const { nFeatures, nOutputs } = other;
  const base = { kind: "blend", taskKind, nFeatures, nOutputs, postTransform: "identity" } as const;
  const memberCap = taskKind === "regression" ? { memberCap: { min: 9990, max: 10_050 } } : {};
  return { ...base, members, weights: [0.3, 0.7], ...memberCap };
}

/** Members that see other features than each other. */
function blendOfChoosers(): TrainedModel {
  const blend = blendOf("binary", trainLinearOf("binary"));
  if (blend.kind !== "blend") throw new Error("expected a blend");
  const [trees, linear] = blend.members;
  if (trees === undefined || linear === undefined) throw new Error("expected two members");
  return {
    ...blend,
    nFeatures: 9,
    members: [spreadModel(trees, [0, 1, 2, 3, 4, 5], 9), spreadModel(linear, [0, 2, 3, 5, 7, 8], 9)],
  };
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
  { name: "boosted lives, some not ended", model: trainCensored() },
  { name: "extra trees, regression", model: trainForestOf("regression", "random") },
  { name: "extra trees, binary", model: trainForestOf("binary", "random") },
  { name: "extra trees, multi-class", model: trainForestOf("multiclass", "random") },
  {
    name: "average of boosted models",
    model: averageModels([1, 2, 3].map((seed) => trainTrees("binary", seed))),
  },
  { name: "linear regression", model: linearModel("regression", 1) },
  { name: "linear binary", model: linearModel("binary", 1) },
  { name: "trained ridge", model: trainLinearOf("regression") },
  { name: "elastic net", model: trainLinearOf("regression", 5000) },
  { name: "trained logistic", model: trainLinearOf("binary") },
  { name: "trained logistic, multi-class", model: trainLinearOf("multiclass") },
  { name: "boosted binary on some features", model: spread(trainTrees("binary")) },
  { name: "boosted codes on some features", model: spread(trainWithCodes()) },
  { name: "forest multi-class on some features", model: spread(trainForestOf("multiclass")) },
  { name: "elastic net on some features", model: spread(trainLinearOf("regression", 5000)) },
  {
    name: "logistic on some features, on an isotonic curve",
    model: calibrateModel(spread(trainLinearOf("binary")), CURVE),
  },
  {
    name: "PCA monitor on some features",
    model: spread(trainPcaMonitor({ matrix: createTable("binary", 800).matrix })),
  },
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
  { name: "blended with ridge", model: blendOf("regression", trainLinearOf("regression")) },
  { name: "blended with logistic", model: blendOf("binary", trainLinearOf("binary")) },
  {
    name: "blended with logistic, multi-class",
    model: blendOf("multiclass", trainLinearOf("multiclass")),
  },
  { name: "blended of members on different features", model: blendOfChoosers() },
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

/** A megabyte compared element by element would take most of the time of these tests. */
function areBytesAlike(a: Uint8Array | Float64Array, b: Uint8Array | Float64Array): boolean {
  const bytesOf = (view: Uint8Array | Float64Array) =>
    Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return bytesOf(a).equals(bytesOf(b));
}

describe("exportOnnx in ONNX Runtime", () => {
  it.each(cases)("$name: agrees with the trainer and is bit-equal in any batch", async ({ model, cap }) => {
    const featureNames = Array.from({ length: model.nFeatures }, (_, column) => `f${column}`);
    const options = { featureNames, taskKind: model.taskKind, ...(cap === undefined ? {} : { cap }) };
    const bytes = exportOnnx(model, options);
    const readBack = JSON.parse(JSON.stringify(model)) as TrainedModel;
    expect(areBytesAlike(exportOnnx(readBack, options), bytes)).toBe(true);
    expect(checkOnnx(bytes).refusals).toEqual([]);
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
        expect(areBytesAlike(part, expected)).toBe(true);
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
