import type { Calibrator, ScoreScale } from "../../numerics/calibration/calibrator.ts";
import {
  chooseCalibrator,
  chooseClassCalibrator,
  crossCalibrateClasses,
} from "../../numerics/calibration/choose-calibrator.ts";
import type { CalibrationChoice } from "../../numerics/calibration/choose-calibrator.ts";
import type { ClassCalibrator } from "../../numerics/calibration/class-calibrator.ts";
import { fitIntervals } from "../../numerics/conformal/fit-intervals.ts";
import type { FittedIntervals } from "../../numerics/conformal/fit-intervals.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Problem } from "./problem.ts";
import type { CandidateRows, PooledRows } from "./summarise-candidates.ts";

/** What the pipeline file asks of probabilities and intervals. */
export interface UncertaintyChoice {
  readonly calibration: Pipeline["calibration"];
  /** Share of truths inside an interval. */
  readonly level: number;
}

/** What corrects the probabilities of two classes, or of more. */
export type AnyCalibrator = Calibrator | ClassCalibrator;

/** Kinds of candidates whose raw score is in log-odds; of all others it is the probability itself. */
const IN_LOG_ODDS: ReadonlySet<string> = new Set(["gbdt", "linear"]);

/** Scale of the raw score of a trained candidate of two classes. */
export function scoreScaleOf(candidateKind: string): ScoreScale {
  return IN_LOG_ODDS.has(candidateKind) ? "log_odds" : "probability";
}

export interface Uncertainty {
  readonly calibration: CalibrationChoice<AnyCalibrator> | null;
  readonly interval: FittedIntervals | null;
}

/**
 * How sure a candidate's answers are, from its out-of-fold predictions: calibrated probabilities of classes, intervals
 * around numbers. The constant baseline has neither.
 */
export function fitUncertainty(
  { kind, repeats }: CandidateRows,
  given: UncertaintyChoice & { readonly problem: Problem },
): Uncertainty {
  const { problem, level } = given;
  // The calibrator becomes part of a graph of ours; one from elsewhere is served as it is.
  const calibration = kind === "external" ? "none" : given.calibration;
  if (kind === "constant") return { calibration: null, interval: null };
  switch (problem.kind) {
    case "anomaly":
    case "forecast":
      return { calibration: null, interval: null };
    case "binary": {
      // One slope and no intercept is no correction of its own where there are two classes: a Platt line has both.
      const wanted = calibration === "temperature" ? "platt" : calibration;
      const choice = chooseCalibrator(repeats, { wanted, scale: scoreScaleOf(kind) });
      return { calibration: choice, interval: null };
    }
    case "multiclass": {
      const { nClasses } = problem;
      return {
        calibration: chooseClassCalibrator(repeats, { wanted: calibration, nClasses }),
        interval: null,
      };
    }
    case "regression": {
      const range = problem.bounds === null ? {} : { range: problem.bounds };
      return { calibration: null, interval: fitIntervals(repeats, { level, ...range }) };
    }
  }
}

/**
 * Out-of-fold rows as they would be answered: of more than two classes calibration may change which one is the most
 * probable, so each fold is calibrated by the others. Of two classes it keeps the order of rows, and thresholds follow it.
 */
export function calibratedRows(
  repeats: readonly PooledRows[],
  { calibration }: Uncertainty,
  { kind, nClasses }: Problem,
): readonly PooledRows[] {
  const method = calibration?.trials[0]?.method ?? "none";
  if (kind !== "multiclass" || method === "none") return repeats;
  return repeats.map((rows) => ({ ...rows, prediction: crossCalibrateClasses(rows, { method, nClasses }) }));
}

/** Metrics that calibration or intervals change, each on folds that they were not fitted on. */
export function uncertaintyMetrics({ calibration, interval }: Uncertainty): MetricSet {
  const [calibrated] = calibration?.trials ?? [];
  const [intervals] = interval?.trials ?? [];
  return {
    ...(calibrated === undefined ? {} : { logLoss: calibrated.logLoss, brier: calibrated.brier }),
    ...(intervals === undefined
      ? {}
      : { intervalCoverage: intervals.coverage, intervalWidth: intervals.meanWidth }),
  };
}
