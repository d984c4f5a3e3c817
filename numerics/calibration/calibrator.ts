import type { TrainedModel } from "../model.ts";
import type { PiecewiseLinear } from "../stats/piecewise-linear.ts";
import { applyIsotonic, fitIsotonic } from "./isotonic.ts";
import { fitPlatt } from "./platt.ts";
import type { PlattLine } from "./platt.ts";

/** How probabilities are corrected; `none` leaves them as the model gives them. */
export const CALIBRATION_METHODS = ["none", "platt", "isotonic"] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];

/** What a model's raw score is: log-odds of boosted and linear models, the probability itself of forests. */
export type ScoreScale = "log_odds" | "probability";

/** A fitted correction of the probability of the positive class. It never changes the order of two rows. */
export type Calibrator =
  | { readonly method: "none" }
  | ({ readonly method: "platt"; readonly scale: ScoreScale } & PlattLine)
  | ({ readonly method: "isotonic" } & PiecewiseLinear);

export const NO_CALIBRATION: Calibrator = { method: "none" };

/** A probability of exactly 0 or 1 is a saturated one: its log-odds are those of the next double or so. */
const SATURATED = 1e-15;

/**
 * Fits one method.
 *
 * @param truth       0 or 1 per row
 * @param probability in [0, 1] per row, out of fold
 * @returns `none` where the rows do not allow another: one class, or no rise
 */
export function fitCalibrator(
  method: CalibrationMethod,
  {
    truth,
    probability,
    scale,
  }: {
    readonly truth: Float64Array;
    readonly probability: Float64Array;
    readonly scale: ScoreScale;
  },
): Calibrator {
  switch (method) {
    case "none":
      return NO_CALIBRATION;
    case "platt": {
      const line = fitPlatt(
        truth,
        probability.map((p) => scoreOf(p, scale)),
      );
      return line === null ? NO_CALIBRATION : { method, scale, ...line };
    }
    case "isotonic": {
      const curve = fitIsotonic(truth, probability);
      return curve === null ? NO_CALIBRATION : { method, ...curve };
    }
  }
}

/** Calibrated probabilities of raw ones. */
export function calibrate(calibrator: Calibrator, probability: Float64Array): Float64Array {
  switch (calibrator.method) {
    case "none":
      return probability;
    case "platt": {
      const { slope, intercept, scale } = calibrator;
      return probability.map((p) => 1 / (1 + Math.exp(-(slope * scoreOf(p, scale) + intercept))));
    }
    case "isotonic":
      return probability.map((p) => applyIsotonic(calibrator, p));
  }
}

/** Scale of the raw score of a model of two classes. */
export function scaleOf({ postTransform }: Pick<TrainedModel, "postTransform">): ScoreScale {
  return postTransform === "sigmoid" ? "log_odds" : "probability";
}

/**
 * The model with its calibration inside, so that prediction, graph and explanation all speak of calibrated answers: a
 * Platt line becomes part of base and scale of the raw score, an isotonic curve a step after the post transform.
 *
 * @throws {RangeError} for a model that is not of two classes, is calibrated already, or has no log-odds to draw a line over
 */
export function calibrateModel(model: TrainedModel, calibrator: Calibrator): TrainedModel {
  if (calibrator.method === "none") return model;
  if (model.taskKind !== "binary" || model.nOutputs !== 1)
    throw new RangeError(`calibration needs a model of two classes with one output, got ${model.taskKind}`);
  if (model.calibration !== undefined) throw new RangeError("model is calibrated already");
  if (calibrator.method === "isotonic") {
    const { knots, values } = calibrator;
    return { ...model, calibration: { knots: [...knots], values: [...values] } };
  }
  return { ...drawLine(inScale(model, calibrator.scale), calibrator), postTransform: "sigmoid" };
}

/** The model with raw scores in the asked scale: its probability is the raw score of a blend of it alone. */
function inScale(model: TrainedModel, scale: ScoreScale): TrainedModel {
  if (scale === scaleOf(model)) return model;
  if (scale === "log_odds" || model.kind === "blend")
    throw new RangeError(`calibrator must be for ${scaleOf(model)}, got ${scale}`);
  const { taskKind, nFeatures, nOutputs } = model;
  const shape = { taskKind, nFeatures, nOutputs, postTransform: "identity" } as const;
  return { kind: "blend", ...shape, members: [model], weights: [1] };
}

/** raw′ = slope · raw + intercept. */
function drawLine(model: TrainedModel, { slope, intercept }: PlattLine): TrainedModel {
  const onLine = (value: number): number => slope * value + intercept;
  switch (model.kind) {
    case "tree_ensemble":
      return { ...model, base: model.base.map(onLine), scale: slope * model.scale };
    case "linear":
      return {
        ...model,
        intercepts: model.intercepts.map(onLine),
        coefficients: model.coefficients.map((value) => slope * value),
      };
    case "constant":
      return { ...model, base: model.base.map(onLine) };
    case "blend": {
      const { taskKind, nFeatures, nOutputs } = model;
      const shape = { taskKind, nFeatures, nOutputs, postTransform: "identity" } as const;
      // A member that always answers the intercept.
      const constant = { kind: "constant", ...shape, base: [intercept] } as const;
      return {
        ...model,
        members: [...model.members, constant],
        weights: [...model.weights.map((weight) => slope * weight), 1],
      };
    }
    case "pca_monitor":
      throw new RangeError("a PCA monitor gives distances, which have no probability");
  }
}

function scoreOf(probability: number, scale: ScoreScale): number {
  if (scale === "probability") return probability;
  const p = Math.min(1 - SATURATED, Math.max(SATURATED, probability));
  return Math.log(p) - Math.log1p(-p);
}
