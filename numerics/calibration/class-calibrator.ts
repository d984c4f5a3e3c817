import type { TrainedModel } from "../model.ts";
import type { PiecewiseLinear } from "../stats/piecewise-linear.ts";
import { applyClassLines, fitClassLines } from "./class-lines.ts";
import type { ClassLines, ClassRows } from "./class-lines.ts";
import { applyIsotonic, fitIsotonic } from "./isotonic.ts";

/** How the probabilities of several classes are corrected, the simplest first. */
export const CLASS_CALIBRATION_METHODS = ["none", "temperature", "platt", "isotonic"] as const;
export type ClassCalibrationMethod = (typeof CLASS_CALIBRATION_METHODS)[number];

/** A correction of whole rows of probabilities, which add up to 1 before and after it. */
export type ClassCalibration =
  | ({ readonly kind: "lines" } & ClassLines)
  /** A curve per class, one class against the rest, then divided by their sum. */
  | { readonly kind: "curves"; readonly curves: readonly PiecewiseLinear[] };

/** `calibration` is null for `none`. */
export interface ClassCalibrator {
  readonly method: ClassCalibrationMethod;
  readonly calibration: ClassCalibration | null;
}

const NONE: ClassCalibrator = { method: "none", calibration: null };
/** Of a class that the rows say nothing about: its probability as it is. */
const AS_IT_IS: PiecewiseLinear = { knots: [0, 1], values: [0, 1] };

/** Fits one method; `none` where the rows do not allow another. */
export function fitClassCalibrator(method: ClassCalibrationMethod, rows: ClassRows): ClassCalibrator {
  switch (method) {
    case "none":
      return NONE;
    case "temperature":
    case "platt": {
      const lines = fitClassLines(rows, method === "temperature");
      return lines === null ? NONE : { method, calibration: { kind: "lines", ...lines } };
    }
    case "isotonic": {
      const curves = Array.from({ length: rows.nClasses }, (_, k) => fitIsotonic(...oneAgainstRest(rows, k)));
      if (curves.every((curve) => curve === null)) return NONE;
      return { method, calibration: { kind: "curves", curves: curves.map((curve) => curve ?? AS_IT_IS) } };
    }
  }
}

function oneAgainstRest(
  { truth, probability, nClasses }: ClassRows,
  k: number,
): [Float64Array, Float64Array] {
  const isClass = truth.map((code) => (code === k ? 1 : 0));
  return [isClass, isClass.map((_, row) => probability[row * nClasses + k])];
}

/** Calibrated probabilities of raw ones, row-major. */
export function calibrateClasses({ calibration }: ClassCalibrator, probability: Float64Array): Float64Array {
  if (calibration === null) return probability;
  const calibrated = probability.slice();
  applyClassCalibration(calibration, calibrated);
  return calibrated;
}

/** Writes `probability`, row-major (rows × classes). */
export function applyClassCalibration(calibration: ClassCalibration, probability: Float64Array): void {
  if (calibration.kind === "lines") return applyClassLines(calibration, probability);
  const nClasses = calibration.curves.length;
  for (let at = 0; at < probability.length; at += nClasses) {
    let sum = 0;
    for (let k = 0; k < nClasses; k++) {
      probability[at + k] = applyIsotonic(calibration.curves[k], probability[at + k]);
      sum += probability[at + k];
    }
    for (let k = 0; k < nClasses; k++) probability[at + k] /= sum;
  }
}

/**
 * The model with its calibration inside, as a step after the post transform.
 *
 * @throws {RangeError} for a model that is not of as many classes, or is calibrated already
 */
export function calibrateClassModel(model: TrainedModel, { calibration }: ClassCalibrator): TrainedModel {
  if (calibration === null) return model;
  const nClasses = calibration.kind === "lines" ? calibration.slopes.length : calibration.curves.length;
  if (model.taskKind !== "multiclass" || model.nOutputs !== nClasses)
    throw new RangeError(
      `calibration of ${nClasses} classes needs a model of them, got ${model.taskKind} of ${model.nOutputs}`,
    );
  if (model.classCalibration !== undefined) throw new RangeError("model is calibrated already");
  return { ...model, classCalibration: calibration };
}
