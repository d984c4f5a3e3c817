import { joinRepeats, leaveOneFoldOut } from "../evaluation/out-of-fold.ts";
import type { OutOfFoldRows } from "../evaluation/out-of-fold.ts";
import { brierScore, logLoss } from "../metrics/binary.ts";
import { calibrate, CALIBRATION_METHODS, fitCalibrator } from "./calibrator.ts";
import type { CalibrationMethod, Calibrator, ScoreScale } from "./calibrator.ts";

/** How well one method did on folds it was not fitted on, averaged over repeats. */
export interface CalibrationTrial {
  readonly method: CalibrationMethod;
  readonly logLoss: number;
  readonly brier: number;
}

export interface CalibrationChoice {
  /** Fitted on all out-of-fold rows. */
  readonly calibrator: Calibrator;
  /** Of the chosen method, then the others that were tried. */
  readonly trials: readonly CalibrationTrial[];
}

/** Under this relative gain of log loss, or without a gain in most folds, `auto` prefers the simpler method. */
const LEAST_GAIN = 0.005;

/**
 * Chooses and fits a calibration on pooled out-of-fold predictions.
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
  const methods = wanted === "auto" ? CALIBRATION_METHODS : [...new Set(["none", wanted] as const)];
  const judged = methods.map((method) => judge(repeats, method, scale));
  const [first, ...others] = judged;
  let best = wanted === "auto" ? first : judged[judged.length - 1];
  if (wanted === "auto") for (const other of others) if (isClearlyBetter(other, best)) best = other;
  const { truth, prediction } = joinRepeats(repeats);
  return {
    calibrator: fitCalibrator(best.trial.method, { truth, probability: prediction, scale }),
    trials: [best, ...judged.filter((one) => one !== best)].map(({ trial }) => trial),
  };
}

interface Judged {
  readonly trial: CalibrationTrial;
  /** Of every fold of every repeat. */
  readonly foldLosses: readonly number[];
}

function judge(repeats: readonly OutOfFoldRows[], method: CalibrationMethod, scale: ScoreScale): Judged {
  const foldLosses: number[] = [];
  let [lossSum, brierSum] = [0, 0];
  for (const rows of repeats) {
    const calibrated = crossCalibrate(rows, method, scale, foldLosses);
    lossSum += logLoss(rows.truth, calibrated);
    brierSum += brierScore(rows.truth, calibrated);
  }
  const trial = { method, logLoss: lossSum / repeats.length, brier: brierSum / repeats.length };
  return { trial, foldLosses };
}

function crossCalibrate(
  rows: OutOfFoldRows,
  method: CalibrationMethod,
  scale: ScoreScale,
  foldLosses: number[],
): Float64Array {
  const calibrated = new Float64Array(rows.truth.length);
  for (const { others, own, index } of leaveOneFoldOut(rows)) {
    const calibrator = fitCalibrator(method, {
      truth: others.truth,
      probability: others.prediction,
      scale,
    });
    const values = calibrate(calibrator, own.prediction);
    index.forEach((row, place) => (calibrated[row] = values[place]));
    foldLosses.push(logLoss(own.truth, values));
  }
  return calibrated;
}

function isClearlyBetter(one: Judged, other: Judged): boolean {
  const nBetter = one.foldLosses.filter((loss, fold) => loss < other.foldLosses[fold]).length;
  return one.trial.logLoss < (1 - LEAST_GAIN) * other.trial.logLoss && 2 * nBetter > one.foldLosses.length;
}
