import { joinRepeats, leaveOneFoldOut, widthOf } from "../evaluation/out-of-fold.ts";
import type { OutOfFoldRows } from "../evaluation/out-of-fold.ts";
import { brierScore, logLoss } from "../metrics/binary.ts";
import { multiclassBrierScore, multiclassLogLoss } from "../metrics/multiclass.ts";
import { calibrate, CALIBRATION_METHODS, fitCalibrator } from "./calibrator.ts";
import type { CalibrationMethod, Calibrator, ScoreScale } from "./calibrator.ts";
import { calibrateClasses, CLASS_CALIBRATION_METHODS, fitClassCalibrator } from "./class-calibrator.ts";
import type { ClassCalibrationMethod, ClassCalibrator } from "./class-calibrator.ts";

/** How well one method did on folds it was not fitted on, averaged over repeats. */
export interface CalibrationTrial<Method extends string = ClassCalibrationMethod> {
  readonly method: Method;
  readonly logLoss: number;
  readonly brier: number;
}

export interface CalibrationChoice<C extends { readonly method: string } = Calibrator> {
  /** Fitted on all out-of-fold rows. */
  readonly calibrator: C;
  /** Of the chosen method, then the others that were tried. */
  readonly trials: readonly CalibrationTrial<C["method"]>[];
}

/** Under this relative gain of log loss, or without a gain in most folds, `auto` prefers the simpler method. */
const LEAST_GAIN = 0.005;

/**
 * Chooses and fits a calibration of two classes on pooled out-of-fold predictions.
 *
 * Each method is fitted without a fold and judged on it, for every fold; groups do not straddle folds, so no method
 * has seen the groups it is judged on. The simplest method wins unless another one has a log loss that is lower by
 * half a percent and is lower in most folds.
 *
 * @param repeats rows of each repeat: truth 0 or 1, prediction the raw probability
 * @param wanted  `auto`, or the method to take
 * @returns also the trial of `none`, for comparison
 */
export function chooseCalibrator(
  repeats: readonly OutOfFoldRows[],
  { wanted, scale }: { readonly wanted: "auto" | CalibrationMethod; readonly scale: ScoreScale },
): CalibrationChoice {
  return choose<Calibrator>(repeats, wanted, {
    methods: CALIBRATION_METHODS,
    fit: (method, { truth, prediction }) => fitCalibrator(method, { truth, probability: prediction, scale }),
    apply: calibrate,
    logLoss,
    brier: brierScore,
  });
}

/**
 * The same for more classes.
 *
 * @param repeats rows of each repeat: truth a class index, prediction the raw probabilities, row-major
 */
export function chooseClassCalibrator(
  repeats: readonly OutOfFoldRows[],
  { wanted, nClasses }: { readonly wanted: "auto" | ClassCalibrationMethod; readonly nClasses: number },
): CalibrationChoice<ClassCalibrator> {
  return choose<ClassCalibrator>(repeats, wanted, {
    methods: CLASS_CALIBRATION_METHODS,
    fit: (method, { truth, prediction }) =>
      fitClassCalibrator(method, { truth, probability: prediction, nClasses }),
    apply: calibrateClasses,
    logLoss: (truth, probability) => multiclassLogLoss(truth, probability, nClasses),
    brier: (truth, probability) => multiclassBrierScore(truth, probability, nClasses),
  });
}

/** Answers of rows that were calibrated by the other folds alone, of one method. */
export function crossCalibrateClasses(
  rows: OutOfFoldRows,
  { method, nClasses }: { readonly method: ClassCalibrationMethod; readonly nClasses: number },
): Float64Array {
  return crossCalibrate(rows, (others) => {
    const { truth, prediction } = others;
    const calibrator = fitClassCalibrator(method, { truth, probability: prediction, nClasses });
    return (probability) => calibrateClasses(calibrator, probability);
  });
}

/** What differs between two classes and more. */
interface Family<C extends { readonly method: string }> {
  /** The simplest first: `none`. */
  readonly methods: readonly C["method"][];
  readonly fit: (method: C["method"], rows: OutOfFoldRows) => C;
  readonly apply: (calibrator: C, probability: Float64Array) => Float64Array;
  readonly logLoss: (truth: Float64Array, probability: Float64Array) => number;
  readonly brier: (truth: Float64Array, probability: Float64Array) => number;
}

function choose<C extends { readonly method: string }>(
  repeats: readonly OutOfFoldRows[],
  wanted: "auto" | C["method"],
  family: Family<C>,
): CalibrationChoice<C> {
  const methods = wanted === "auto" ? family.methods : [...new Set(["none" as C["method"], wanted])];
  const judged = methods.map((method) => judge(repeats, method, family));
  const [first, ...others] = judged as [Judged<C>, ...Judged<C>[]];
  let best = wanted === "auto" ? first : judged[judged.length - 1];
  if (wanted === "auto") for (const other of others) if (isClearlyBetter(other, best)) best = other;
  return {
    calibrator: family.fit(best.trial.method, joinRepeats(repeats)),
    trials: [best, ...judged.filter((one) => one !== best)].map(({ trial }) => trial),
  };
}

interface Judged<C extends { readonly method: string }> {
  readonly trial: CalibrationTrial<C["method"]>;
  /** Of every fold of every repeat. */
  readonly foldLosses: readonly number[];
}

function judge<C extends { readonly method: string }>(
  repeats: readonly OutOfFoldRows[],
  method: C["method"],
  family: Family<C>,
): Judged<C> {
  const foldLosses: number[] = [];
  let [lossSum, brierSum] = [0, 0];
  for (const rows of repeats) {
    const calibrated = crossCalibrate(rows, (others, own) => {
      const calibrator = family.fit(method, others);
      return (probability) => {
        const values = family.apply(calibrator, probability);
        foldLosses.push(family.logLoss(own.truth, values));
        return values;
      };
    });
    lossSum += family.logLoss(rows.truth, calibrated);
    brierSum += family.brier(rows.truth, calibrated);
  }
  const trial = { method, logLoss: lossSum / repeats.length, brier: brierSum / repeats.length };
  return { trial, foldLosses };
}

/** Each fold through what was fitted on the others. */
function crossCalibrate(
  rows: OutOfFoldRows,
  fit: (others: OutOfFoldRows, own: OutOfFoldRows) => (probability: Float64Array) => Float64Array,
): Float64Array {
  const width = widthOf(rows);
  const calibrated = new Float64Array(rows.prediction.length);
  for (const { others, own, index } of leaveOneFoldOut(rows)) {
    const values = fit(others, own)(own.prediction);
    index.forEach((row, place) =>
      calibrated.set(values.subarray(place * width, (place + 1) * width), row * width),
    );
  }
  return calibrated;
}

function isClearlyBetter<C extends { readonly method: string }>(one: Judged<C>, other: Judged<C>): boolean {
  const nBetter = one.foldLosses.filter((loss, fold) => loss < (other.foldLosses[fold] ?? 0)).length;
  return one.trial.logLoss < (1 - LEAST_GAIN) * other.trial.logLoss && 2 * nBetter > one.foldLosses.length;
}
