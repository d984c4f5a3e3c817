/**
 * A trained model as plain data: what trainers return, what is stored as canonical JSON (so that equal
 * trainings give equal bytes), and what the ONNX writer turns into a graph. Prediction here is the
 * reference that the graph must agree with.
 */
import { applyClassCalibration } from "./calibration/class-calibrator.ts";
import type { ClassCalibration } from "./calibration/class-calibrator.ts";
import { applyIsotonic } from "./calibration/isotonic.ts";
import type { DecisionTree } from "./decision-tree.ts";
import { findLeaf } from "./decision-tree.ts";
import { applyForecast } from "./forecast/forecast-rule.ts";
import type { ForecastRule } from "./forecast/forecast-rule.ts";
import type { Matrix } from "./matrix.ts";
import { checkMatrix } from "./matrix.ts";
import type { PiecewiseLinear } from "./stats/piecewise-linear.ts";
import type { AnswerKind } from "./task-kind.ts";

/**
 * How raw scores become outputs.
 *
 * - `identity`: as they are
 * - `sigmoid`: 1 / (1 + e^−s)
 * - `softmax`: e^s_k / Σ e^s_j
 * - `probability`: clipped to [0, 1]; with several outputs divided by their sum
 * - `exponential`: e^s
 */
export type PostTransform = "identity" | "sigmoid" | "softmax" | "probability" | "exponential";

/** Closed range that regression outputs are clipped to. */
export interface OutputCap {
  readonly min: number;
  readonly max: number;
}

interface ModelBase {
  readonly taskKind: AnswerKind;
  readonly nFeatures: number;
  /** 1, the number of classes, or of a forecast horizons · quantiles. */
  readonly nOutputs: number;
  readonly postTransform: PostTransform;
  /** Two classes: isotonic curve from the probability of the post transform to the answer (calibration/isotonic.ts). */
  readonly calibration?: PiecewiseLinear;
  /** Of forecasts: from the raw scores, which are changes, to ordered quantiles. */
  readonly forecast?: ForecastRule;
  /** More classes: from the probabilities of the post transform to the answers. */
  readonly classCalibration?: ClassCalibration;
}

/** raw_k = base_k + scale · Σ_trees leaf_k: boosting has scale 1, an average of T trees 1/T. */
export interface TreeEnsembleModel extends ModelBase {
  readonly kind: "tree_ensemble";
  readonly base: readonly number[];
  readonly scale: number;
  readonly trees: readonly DecisionTree[];
}

/** raw_k = intercept_k + Σ_j coefficient_kj · (x_j − mean_j) / scale_j, a missing x_j being mean_j. */
export interface LinearModel extends ModelBase {
  readonly kind: "linear";
  readonly means: readonly number[];
  /** > 0 */
  readonly scales: readonly number[];
  /** Output-major (nOutputs × nFeatures). */
  readonly coefficients: readonly number[];
  readonly intercepts: readonly number[];
}

/** raw_k = base_k whatever comes in. */
export interface ConstantModel extends ModelBase {
  readonly kind: "constant";
  readonly base: readonly number[];
}

/** raw = Σ_m weight_m · answer of member m, clipped by `memberCap` as that member alone would be. */
export interface BlendModel extends ModelBase {
  readonly kind: "blend";
  /** At least one, none of them a blend, all of this task and shape. */
  readonly members: readonly Exclude<TrainedModel, BlendModel>[];
  /** ≥ 0, summing to 1; of a blend on a Platt line otherwise, with a constant member for its intercept. */
  readonly weights: readonly number[];
  /** Of regression. */
  readonly memberCap?: OutputCap;
}

/**
 * How far a row lies from what was learnt, in the plane of the principal components and off it:
 *
 *   raw = T² / t2Limit + Q / qLimit,  T² = Σ_k t_k² / variance_k,  Q = |z − P t|²,  t = Pᵀ z
 *
 * with z_j = (x_j − mean_j) / scale_j, a missing x_j being mean_j, and P the loadings.
 */
export interface PcaMonitorModel extends ModelBase {
  readonly kind: "pca_monitor";
  readonly means: readonly number[];
  /** > 0 */
  readonly scales: readonly number[];
  /** Row-major (nFeatures × components). */
  readonly loadings: readonly number[];
  /** Of each component, > 0. */
  readonly variances: readonly number[];
  /** > 0 */
  readonly t2Limit: number;
  /** > 0 */
  readonly qLimit: number;
}

export type TrainedModel = TreeEnsembleModel | LinearModel | ConstantModel | BlendModel | PcaMonitorModel;

export interface Prediction {
  /** Float64Array, row-major (nRows × nOutputs). */
  readonly values: Float64Array;
  readonly nRows: number;
  readonly nOutputs: number;
}

/**
 * Raw scores: margins before the post transform, uncapped.
 *
 * @throws {RangeError} when the matrix has not the model's features
 *
 * Cost: trees: nRows · Σ depths. Sums run in tree order, base last.
 */
export function predictRaw(model: TrainedModel, matrix: Matrix): Prediction {
  checkMatrix(matrix);
  if (matrix.nColumns !== model.nFeatures) {
    throw new RangeError(
      `matrix must have the model's ${model.nFeatures} features, got ${matrix.nColumns} columns`,
    );
  }
  const { nOutputs } = model;
  const values = new Float64Array(matrix.nRows * nOutputs);
  switch (model.kind) {
    case "tree_ensemble":
      for (const tree of model.trees) addTree(tree, matrix, values, nOutputs);
      addScaledBase(model, values);
      break;
    case "linear":
      addLinear(model, matrix, values);
      break;
    case "constant":
      for (let index = 0; index < values.length; index++) values[index] = model.base[index % nOutputs];
      break;
    case "blend":
      addMembers(model, matrix, values);
      break;
    case "pca_monitor":
      addDistances(model, matrix, values);
      break;
  }
  return { values, nRows: matrix.nRows, nOutputs };
}

/**
 * What the model answers: a number, the probability of a positive, or a probability per class.
 *
 * @param cap clips regression outputs; refused for classes
 * @throws {RangeError} when the matrix has not the model's features, or the cap is empty or not for regression
 */
export function predict(model: TrainedModel, matrix: Matrix, cap?: OutputCap): Prediction {
  checkCap(model.taskKind, cap);
  const prediction = predictRaw(model, matrix);
  applyPostTransform(model.postTransform, prediction);
  if (model.calibration !== undefined) applyCalibration(model.calibration, prediction.values);
  if (model.classCalibration !== undefined) applyClassCalibration(model.classCalibration, prediction.values);
  if (cap !== undefined) applyCap(prediction.values, cap);
  if (model.forecast !== undefined) applyForecast(model.forecast, matrix, prediction.values);
  return prediction;
}

function applyCalibration(curve: PiecewiseLinear, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = applyIsotonic(curve, values[index]);
}

function applyCap(values: Float64Array, cap: OutputCap): void {
  for (let index = 0; index < values.length; index++) {
    values[index] = Math.min(cap.max, Math.max(cap.min, values[index]));
  }
}

/** @throws {RangeError} for a cap on classes, or one that is empty or not finite */
export function checkCap(taskKind: AnswerKind, cap: OutputCap | undefined): void {
  if (cap === undefined) return;
  if (taskKind !== "regression") throw new RangeError(`cap applies to regression only, got ${taskKind}`);
  if (!Number.isFinite(cap.min) || !Number.isFinite(cap.max) || cap.min > cap.max) {
    throw new RangeError(`cap must be finite with min ≤ max, got ${cap.min} … ${cap.max}`);
  }
}

/**
 * Adds a tree's leaf values to row-major outputs.
 *
 * @param values Float64Array (nRows × nOutputs); written
 */
function addTree(tree: DecisionTree, matrix: Matrix, values: Float64Array, nOutputs: number): void {
  const { data, nRows, nColumns } = matrix;
  for (let row = 0; row < nRows; row++) {
    const leaf = findLeaf(tree, data, row * nColumns);
    for (let index = 0; index < tree.width; index++) {
      values[row * nOutputs + tree.output + index] += tree.value[leaf * tree.width + index];
    }
  }
}

function addScaledBase(model: TreeEnsembleModel, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) {
    values[index] = model.base[index % model.nOutputs] + model.scale * values[index];
  }
}

function addLinear(model: LinearModel, matrix: Matrix, values: Float64Array): void {
  const { nFeatures, nOutputs, means, scales, coefficients, intercepts } = model;
  for (let row = 0; row < matrix.nRows; row++) {
    for (let output = 0; output < nOutputs; output++) {
      let sum = 0;
      for (let column = 0; column < nFeatures; column++) {
        const value = matrix.data[row * nFeatures + column];
        if (!Number.isNaN(value)) {
          sum += coefficients[output * nFeatures + column] * ((value - means[column]) / scales[column]);
        }
      }
      values[row * nOutputs + output] = sum + intercepts[output];
    }
  }
}

function addMembers({ members, weights, memberCap }: BlendModel, matrix: Matrix, values: Float64Array): void {
  members.forEach((member, index) => {
    const answers = predict(member, matrix, memberCap).values;
    for (let at = 0; at < values.length; at++) values[at] += weights[index] * answers[at];
  });
}

/**
 * Standardised values of one row, 0 where missing.
 *
 * @param out Float64Array (nFeatures), written
 */
export function standardiseRow(
  { means, scales }: Pick<PcaMonitorModel, "means" | "scales">,
  row: { readonly data: Float64Array; readonly offset: number },
  out: Float64Array,
): void {
  for (let column = 0; column < out.length; column++) {
    const value = row.data[row.offset + column];
    out[column] = Number.isNaN(value) ? 0 : (value - means[column]) / scales[column];
  }
}

function addDistances(model: PcaMonitorModel, { data, nRows }: Matrix, values: Float64Array): void {
  const { nFeatures, loadings, variances, t2Limit, qLimit } = model;
  const nComponents = variances.length;
  const z = new Float64Array(nFeatures);
  const scores = new Float64Array(nComponents);
  for (let row = 0; row < nRows; row++) {
    standardiseRow(model, { data, offset: row * nFeatures }, z);
    let inside = 0;
    for (let k = 0; k < nComponents; k++) {
      let score = 0;
      for (let j = 0; j < nFeatures; j++) score += z[j] * loadings[j * nComponents + k];
      scores[k] = score;
      inside += (score * score) / variances[k];
    }
    let outside = 0;
    for (let j = 0; j < nFeatures; j++) {
      let shown = 0;
      for (let k = 0; k < nComponents; k++) shown += scores[k] * loadings[j * nComponents + k];
      outside += (z[j] - shown) ** 2;
    }
    values[row] = inside / t2Limit + outside / qLimit;
  }
}

/** Turns raw scores into answers. Writes `values`. */
export function applyPostTransform(
  postTransform: PostTransform,
  { values, nRows, nOutputs }: Prediction,
): void {
  if (postTransform === "identity") return;
  if (postTransform === "exponential") {
    for (let index = 0; index < values.length; index++) values[index] = Math.exp(values[index]);
    return;
  }
  if (postTransform === "sigmoid") {
    for (let index = 0; index < values.length; index++) values[index] = 1 / (1 + Math.exp(-values[index]));
    return;
  }
  if (postTransform === "probability") {
    for (let index = 0; index < values.length; index++) {
      values[index] = Math.min(1, Math.max(0, values[index]));
    }
    if (nOutputs === 1) return;
  }
  for (let row = 0; row < nRows; row++) {
    const outputs = values.subarray(row * nOutputs, (row + 1) * nOutputs);
    if (postTransform === "softmax") {
      let top = -Infinity;
      for (const value of outputs) top = Math.max(top, value);
      for (let k = 0; k < nOutputs; k++) outputs[k] = Math.exp(outputs[k] - top);
    }
    let sum = 0;
    for (const value of outputs) sum += value;
    for (let k = 0; k < nOutputs; k++) outputs[k] /= sum;
  }
}
