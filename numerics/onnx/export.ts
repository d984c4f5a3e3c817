/**
 * Writes a trained model as an ONNX graph that takes raw feature rows and gives the final answer:
 * imputation, scaling, trees or coefficients, probabilities and cap are all inside.
 *
 *   features double [N, nFeatures], NaN = missing
 *     → regression  `value`         double [N, 1]
 *     → binary      `probability`   double [N, 1], of the positive class
 *     → multi-class `probabilities` double [N, nClasses]
 *     → anomaly     `score`         double [N, 1], larger is more unusual
 *     → forecast    `quantiles`     double [N, nHorizons · nQuantiles], horizon after horizon
 *
 * Trees are double-precision TreeEnsembleRegressor nodes (the `*_as_tensor` attributes of ai.onnx.ml
 * 3): a float32 ensemble puts rows near a threshold into other leaves. That operator's *output* is
 * float32 by its definition, so the base score, which carries the magnitude, is added afterwards in
 * double; what is rounded is only the deviation from it, once, at 6e-8 of itself. TreeEnsembleClassifier
 * is not used: its probabilities are float32 throughout.
 *
 * An answer must be bit-equal alone and in any batch, which rules out some operators (measured on ONNX
 * Runtime 1.30, doubles, one intra-op thread):
 *
 * - Exp, Sigmoid: vector code for whole packets, other code for the rest of the tensor, 1 ulp apart. An
 *   odd number of cells puts the last one in the rest. Columns are therefore repeated up to a multiple
 *   of 8, the widest packet, so that there is no rest, and dropped again after.
 * - ReduceSum over the last axis: the order of the sum depends on the address of the row. MatMul adds
 *   in column order whatever the number of rows, so sums over columns are MatMul with a constant.
 * - Softmax: takes another path for one row. It is written out with the above.
 */
import type { ClassCalibration } from "../calibration/class-calibrator.ts";
import { RAW_SHARE } from "../calibration/isotonic.ts";
import type { DecisionTree } from "../decision-tree.ts";
import type {
  BlendModel,
  LinearModel,
  OutputCap,
  PostTransform,
  TrainedModel,
  TreeEnsembleModel,
} from "../model.ts";
import { checkCap } from "../model.ts";
import type { PiecewiseLinear } from "../stats/piecewise-linear.ts";
import type { AnswerKind } from "../task-kind.ts";
import { addForecast } from "./forecast-nodes.ts";
import { addClassLines } from "./class-calibration-nodes.ts";
import { addColumns, addPadding, paddedWidth } from "./column-nodes.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { addMonitor } from "./monitor-nodes.ts";
import { addStandardised } from "./standardised-nodes.ts";

export interface OnnxExportOptions {
  /** Names of the columns of `features`, in order; stored as metadata. */
  readonly featureNames: readonly string[];
  readonly taskKind: AnswerKind;
  /** Labels in code order (binary: negative, positive); stored as metadata. */
  readonly classLabels?: readonly string[];
  /** Clips regression outputs. */
  readonly cap?: OutputCap;
  /** Replaces a missing value of each column before all else; NaN keeps it missing. */
  readonly imputation?: readonly number[];
  /** More metadata; no times or release numbers, for the bytes are hashed. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Name of the one input tensor. */
export const INPUT_NAME = "features";

/** Name of the one output tensor, by task. */
export const OUTPUT_NAMES: Readonly<Record<AnswerKind, string>> = {
  regression: "value",
  binary: "probability",
  multiclass: "probabilities",
  anomaly: "score",
  forecast: "quantiles",
};

/**
 * Serialises `model`. Equal models and options give equal bytes.
 *
 * @throws {RangeError} when names, task, labels, imputation or cap do not fit the model
 */
export function exportOnnx(model: TrainedModel, options: OnnxExportOptions): Uint8Array {
  checkOptions(model, options);
  const graph = new GraphBuilder();
  const features = addImputation(graph, options.imputation);
  const raw = addModel(graph, model, features);
  const transformed = addPostTransform(graph, model.postTransform, raw, model.nOutputs);
  const answer = addCalibrations(graph, model, transformed);
  const output = OUTPUT_NAMES[options.taskKind];
  const { forecast } = model;
  const final = forecast === undefined ? answer : addForecast(graph, answer, { rule: forecast, features });
  if (options.cap === undefined) graph.node({ op: "Identity", inputs: [final], output });
  else addClip(graph, final, { cap: options.cap, output });
  return graph.build(
    { name: INPUT_NAME, nColumns: model.nFeatures },
    { name: output, nColumns: model.nOutputs },
    {
      ...options.metadata,
      "aura.features": JSON.stringify(options.featureNames),
      "aura.task": options.taskKind,
      ...(options.classLabels === undefined ? {} : { "aura.classes": JSON.stringify(options.classLabels) }),
    },
  );
}

function checkOptions(model: TrainedModel, options: OnnxExportOptions): void {
  const { featureNames, taskKind, classLabels, imputation, cap } = options;
  if (model.nFeatures < 1) throw new RangeError(`a graph needs at least one feature, got ${model.nFeatures}`);
  if (taskKind !== model.taskKind) {
    throw new RangeError(`taskKind must be the model's ${model.taskKind}, got ${taskKind}`);
  }
  if (featureNames.length !== model.nFeatures) {
    throw new RangeError(`featureNames must have ${model.nFeatures} names, got ${featureNames.length}`);
  }
  if (imputation !== undefined && imputation.length !== model.nFeatures) {
    throw new RangeError(`imputation must have ${model.nFeatures} values, got ${imputation.length}`);
  }
  const nLabels = taskKind === "binary" ? 2 : model.nOutputs;
  const hasClasses = taskKind === "binary" || taskKind === "multiclass";
  if (classLabels !== undefined && (!hasClasses || classLabels.length !== nLabels)) {
    throw new RangeError(`classLabels must have one label per class of the task, got ${classLabels.length}`);
  }
  checkCap(taskKind, cap);
}

function addImputation(graph: GraphBuilder, imputation: readonly number[] | undefined): string {
  if (imputation === undefined || imputation.every((value) => Number.isNaN(value))) return INPUT_NAME;
  const isMissing = graph.node({ op: "IsNaN", inputs: [INPUT_NAME], output: "is_missing" });
  const fill = graph.doubles(imputation, [1, imputation.length]);
  return graph.node({ op: "Where", inputs: [isMissing, fill, INPUT_NAME], output: "imputed" });
}

function addModel(graph: GraphBuilder, model: TrainedModel, features: string): string {
  switch (model.kind) {
    case "tree_ensemble":
      return model.trees.length === 0
        ? addConstant(graph, model.base, features)
        : addTrees(graph, model, features);
    case "linear":
      return addLinear(graph, model, features);
    case "constant":
      return addConstant(graph, model.base, features);
    case "blend":
      return addBlend(graph, model, features);
    case "pca_monitor":
      return addMonitor(graph, model, features);
  }
}

/** The weighted sum of the members' answers, added in their order. */
function addBlend(graph: GraphBuilder, model: BlendModel, features: string): string {
  const shares = model.members.map((member, index) =>
    graph.within(`member${index}`, () => {
      const raw = addModel(graph, member, features);
      const answer = addPostTransform(graph, member.postTransform, raw, member.nOutputs);
      const { memberCap: cap } = model;
      const bounded = cap === undefined ? answer : addClip(graph, answer, { cap, output: "bounded" });
      const weight = graph.doubles([model.weights[index]], []);
      return graph.node({ op: "Mul", inputs: [bounded, weight], output: "share" });
    }),
  );
  const [first = "", ...others] = shares;
  return others.reduce(
    (sum, share, index) => graph.node({ op: "Add", inputs: [sum, share], output: `blend${index + 1}` }),
    first,
  );
}

function addClip(
  graph: GraphBuilder,
  values: string,
  { cap, output }: { readonly cap: OutputCap; readonly output: string },
): string {
  const bounds = [graph.doubles([cap.min], []), graph.doubles([cap.max], [])];
  return graph.node({ op: "Clip", inputs: [values, ...bounds], output });
}

/** Base scores for as many rows as come in: a sum of zeros per row, plus the base. */
function addConstant(graph: GraphBuilder, base: readonly number[], features: string): string {
  const isMissing = graph.node({ op: "IsNaN", inputs: [features], output: "row_mask" });
  const zero = graph.doubles([0], []);
  const zeros = graph.node({ op: "Where", inputs: [isMissing, zero, zero], output: "zeros" });
  const rowZero = graph.node({
    op: "ReduceSum",
    inputs: [zeros, graph.integers([1])],
    output: "row_zero",
    attributes: { keepdims: { kind: "int", value: 1 } },
  });
  return graph.node({ op: "Add", inputs: [rowZero, graph.doubles(base, [1, base.length])], output: "raw" });
}

function addTrees(graph: GraphBuilder, model: TreeEnsembleModel, features: string): string {
  const lists = new EnsembleLists();
  model.trees.forEach((tree, treeIndex) => lists.add(tree, treeIndex));
  const { base, nOutputs, scale } = model;
  const ensemble = graph.node({
    op: "TreeEnsembleRegressor",
    domain: "ai.onnx.ml",
    inputs: [features],
    output: "tree_sum",
    attributes: lists.attributes(nOutputs),
  });
  let raw = graph.node({
    op: "Cast",
    inputs: [ensemble],
    output: "tree_sum_double",
    attributes: { to: { kind: "int", value: 11 } },
  });
  if (scale !== 1)
    raw = graph.node({ op: "Mul", inputs: [raw, graph.doubles([scale], [])], output: "tree_mean" });
  return graph.node({ op: "Add", inputs: [raw, graph.doubles(base, [1, nOutputs])], output: "raw" });
}

/** A node as the operator lists it. */
interface ListedNode {
  readonly id: number;
  readonly mode: "LEAF" | "BRANCH_LEQ" | "BRANCH_EQ";
  readonly feature: number;
  readonly value: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly missingTrue: number;
}

/**
 * The listed nodes of one node: itself, or for a test of codes one test of equality per code, each of which leads to
 * the same left child, as converters of LightGBM write them. Those after the first have ids from `nextId` up.
 */
function describeNode(tree: DecisionTree, node: number, nextId: number): [ListedNode, ...ListedNode[]] {
  const feature = tree.feature[node];
  if (feature < 0) {
    return [{ id: node, mode: "LEAF", feature: 0, value: 0, whenTrue: 0, whenFalse: 0, missingTrue: 0 }];
  }
  const [whenTrue, whenFalse] = [tree.left[node], tree.right[node]];
  const codes = tree.leftCodes?.[node];
  if (codes === undefined) {
    const missingTrue = tree.missingLeft[node];
    return [
      {
        id: node,
        mode: "BRANCH_LEQ",
        feature,
        value: tree.threshold[node],
        whenTrue,
        whenFalse,
        missingTrue,
      },
    ];
  }
  const tests = codes.map((value, place): ListedNode => {
    const id = place === 0 ? node : nextId + place - 1;
    const next = place === codes.length - 1 ? whenFalse : nextId + place;
    return { id, mode: "BRANCH_EQ", feature, value, whenTrue, whenFalse: next, missingTrue: 0 };
  });
  const [first, ...others] = tests;
  if (first === undefined) throw new RangeError(`node ${node} must test at least one code, got none`);
  return [first, ...others];
}

/** The parallel lists of a TreeEnsembleRegressor, one entry per node or per leaf output. */
class EnsembleLists {
  readonly #treeIds: number[] = [];
  readonly #nodeIds: number[] = [];
  readonly #featureIds: number[] = [];
  readonly #modes: string[] = [];
  readonly #values: number[] = [];
  readonly #trueIds: number[] = [];
  readonly #falseIds: number[] = [];
  readonly #missingTrue: number[] = [];
  readonly #targetTreeIds: number[] = [];
  readonly #targetNodeIds: number[] = [];
  readonly #targetIds: number[] = [];
  readonly #targetWeights: number[] = [];

  add(tree: DecisionTree, treeIndex: number): void {
    let nextId = tree.feature.length;
    const rest: ListedNode[] = [];
    for (let node = 0; node < tree.feature.length; node++) {
      const [first, ...others] = describeNode(tree, node, nextId);
      nextId += others.length;
      this.#list(treeIndex, first);
      rest.push(...others);
      if (tree.feature[node] < 0) this.#addLeaf(tree, treeIndex, node);
    }
    for (const listed of rest) this.#list(treeIndex, listed);
  }

  #list(treeIndex: number, listed: ListedNode): void {
    this.#treeIds.push(treeIndex);
    this.#nodeIds.push(listed.id);
    this.#featureIds.push(listed.feature);
    this.#modes.push(listed.mode);
    this.#values.push(listed.value);
    this.#trueIds.push(listed.whenTrue);
    this.#falseIds.push(listed.whenFalse);
    this.#missingTrue.push(listed.missingTrue);
  }

  attributes(nOutputs: number): NonNullable<Parameters<GraphBuilder["node"]>[0]["attributes"]> {
    return {
      aggregate_function: { kind: "string", value: "SUM" },
      n_targets: { kind: "int", value: nOutputs },
      nodes_falsenodeids: { kind: "ints", value: this.#falseIds },
      nodes_featureids: { kind: "ints", value: this.#featureIds },
      nodes_missing_value_tracks_true: { kind: "ints", value: this.#missingTrue },
      nodes_modes: { kind: "strings", value: this.#modes },
      nodes_nodeids: { kind: "ints", value: this.#nodeIds },
      nodes_treeids: { kind: "ints", value: this.#treeIds },
      nodes_truenodeids: { kind: "ints", value: this.#trueIds },
      nodes_values_as_tensor: { kind: "doubles", value: this.#values },
      post_transform: { kind: "string", value: "NONE" },
      target_ids: { kind: "ints", value: this.#targetIds },
      target_nodeids: { kind: "ints", value: this.#targetNodeIds },
      target_treeids: { kind: "ints", value: this.#targetTreeIds },
      target_weights_as_tensor: { kind: "doubles", value: this.#targetWeights },
    };
  }

  #addLeaf(tree: DecisionTree, treeIndex: number, node: number): void {
    for (let index = 0; index < tree.width; index++) {
      this.#targetTreeIds.push(treeIndex);
      this.#targetNodeIds.push(node);
      this.#targetIds.push(tree.output + index);
      this.#targetWeights.push(tree.value[node * tree.width + index]);
    }
  }
}

function addLinear(graph: GraphBuilder, model: LinearModel, features: string): string {
  const { nFeatures, nOutputs, coefficients, intercepts } = model;
  const filled = addStandardised(graph, model, features);
  const byFeature = Array.from(
    { length: nFeatures * nOutputs },
    (_, index) => coefficients[(index % nOutputs) * nFeatures + Math.floor(index / nOutputs)],
  );
  const weights = graph.doubles(byFeature, [nFeatures, nOutputs]);
  const sum = graph.node({ op: "MatMul", inputs: [filled, weights], output: "linear_sum" });
  return graph.node({ op: "Add", inputs: [sum, graph.doubles(intercepts, [1, nOutputs])], output: "raw" });
}

function addPostTransform(
  graph: GraphBuilder,
  postTransform: PostTransform,
  raw: string,
  nOutputs: number,
): string {
  switch (postTransform) {
    case "identity":
      return raw;
    case "sigmoid": {
      const padded = addPadding(graph, raw, 1);
      const sigmoid = graph.node({ op: "Sigmoid", inputs: [padded], output: "sigmoid" });
      return addColumns(graph, sigmoid, { columns: [0], output: "positive" });
    }
    case "exponential": {
      const padded = addPadding(graph, raw, nOutputs);
      const exponential = graph.node({ op: "Exp", inputs: [padded], output: "exponential" });
      const columns = Array.from({ length: nOutputs }, (_, k) => k);
      return addColumns(graph, exponential, { columns, output: "power" });
    }
    case "softmax":
      return addSoftmax(graph, raw, nOutputs);
    case "probability": {
      const bounds = [graph.doubles([0], []), graph.doubles([1], [])];
      const clipped = graph.node({ op: "Clip", inputs: [raw, ...bounds], output: "clipped" });
      return nOutputs === 1 ? clipped : addShares(graph, clipped, nOutputs, nOutputs);
    }
  }
}

function addCalibrations(graph: GraphBuilder, model: TrainedModel, probabilities: string): string {
  const { calibration, classCalibration } = model;
  if (calibration !== undefined) return addCalibration(graph, probabilities, calibration);
  if (classCalibration === undefined) return probabilities;
  return graph.within("calibration", () => addClassCalibration(graph, probabilities, classCalibration));
}

function addClassCalibration(
  graph: GraphBuilder,
  probabilities: string,
  calibration: ClassCalibration,
): string {
  if (calibration.kind === "lines") {
    const lines = graph.within("lines", () => addClassLines(graph, probabilities, calibration));
    return addSoftmax(graph, lines, calibration.slopes.length);
  }
  const { curves } = calibration;
  const columns = curves.map((curve, k) =>
    graph.within(`class${k}`, () => {
      const own = addColumns(graph, probabilities, { columns: [k], output: "own" });
      return addCalibration(graph, own, curve);
    }),
  );
  const axis = { axis: { kind: "int", value: 1 } } as const;
  const joined = graph.node({ op: "Concat", inputs: columns, output: "curves", attributes: axis });
  return addShares(graph, joined, curves.length, curves.length);
}

/**
 * A curve over one column of probabilities: its first value, plus for each segment the slope times how far the
 * probability went into it.
 */
function addCalibration(
  graph: GraphBuilder,
  probability: string,
  { knots, values }: PiecewiseLinear,
): string {
  const nSegments = knots.length - 1;
  const widths = knots.slice(1).map((knot, k) => knot - knots[k]);
  const slopes = widths.map((width, k) => ((1 - RAW_SHARE) * (values[k + 1] - values[k])) / width);
  const begin = graph.doubles(knots.slice(0, -1), [1, nSegments]);
  const beyond = graph.node({ op: "Sub", inputs: [probability, begin], output: "beyond_knot" });
  const entered = graph.node({ op: "Max", inputs: [beyond, graph.doubles([0], [])], output: "entered" });
  const covered = graph.node({
    op: "Min",
    inputs: [entered, graph.doubles(widths, [1, nSegments])],
    output: "covered",
  });
  const risen = graph.node({
    op: "MatMul",
    inputs: [covered, graph.doubles(slopes, [nSegments, 1])],
    output: "risen",
  });
  const first = graph.doubles([(1 - RAW_SHARE) * values[0]], []);
  const curve = graph.node({ op: "Add", inputs: [risen, first], output: "curve" });
  const rawShare = graph.doubles([RAW_SHARE], []);
  const share = graph.node({ op: "Mul", inputs: [probability, rawShare], output: "raw_share" });
  const mixed = graph.node({ op: "Add", inputs: [curve, share], output: "mixed" });
  const bounds = [graph.doubles([0], []), graph.doubles([1], [])];
  return graph.node({ op: "Clip", inputs: [mixed, ...bounds], output: "calibrated" });
}

/** e^(s_k − max s) / Σ e^(s_j − max s), written out. */
function addSoftmax(graph: GraphBuilder, raw: string, nOutputs: number): string {
  const top = graph.node({
    op: "ReduceMax",
    inputs: [raw],
    output: "top",
    attributes: { axes: { kind: "ints", value: [1] }, keepdims: { kind: "int", value: 1 } },
  });
  const shifted = graph.node({ op: "Sub", inputs: [raw, top], output: "shifted" });
  const padded = addPadding(graph, shifted, nOutputs);
  const exponential = graph.node({ op: "Exp", inputs: [padded], output: "exponential" });
  const shares = addShares(graph, exponential, nOutputs, paddedWidth(nOutputs));
  const columns = Array.from({ length: nOutputs }, (_, k) => k);
  return addColumns(graph, shares, { columns, output: "softmax" });
}

/** Divides each of `width` columns by the sum of the first `nOutputs`. */
function addShares(graph: GraphBuilder, values: string, nOutputs: number, width: number): string {
  const isCounted = Array.from({ length: width }, (_, k) => (k < nOutputs ? 1 : 0));
  const ones = graph.doubles(isCounted, [width, 1]);
  const total = graph.node({ op: "MatMul", inputs: [values, ones], output: "total" });
  return graph.node({ op: "Div", inputs: [values, total], output: "shares" });
}
