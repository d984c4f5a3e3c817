import type { CalibrationMethod, ScoreScale } from "../../numerics/calibration/calibrator.ts";
import { chooseCalibrator } from "../../numerics/calibration/choose-calibrator.ts";
import type { CalibrationChoice } from "../../numerics/calibration/choose-calibrator.ts";
import { fitIntervals } from "../../numerics/conformal/fit-intervals.ts";
import type { FittedIntervals } from "../../numerics/conformal/fit-intervals.ts";
import type { MetricSet } from "../../schemas/model-version.ts";
import type { Problem } from "./problem.ts";
import type { CandidateRows } from "./summarise-candidates.ts";

/** What the pipeline file asks of probabilities and intervals. */
export interface UncertaintyChoice {
  readonly calibration: "auto" | CalibrationMethod;
  /** Share of truths inside an interval. */
  readonly level: number;
}

/** Kinds of candidates whose raw score is in log-odds; of all others it is the probability itself. */
const IN_LOG_ODDS: ReadonlySet<string> = new Set(["gbdt", "linear"]);

/** Scale of the raw score of a trained candidate of two classes. */
export function scoreScaleOf(candidateKind: string): ScoreScale {
  return IN_LOG_ODDS.has(candidateKind) ? "log_odds" : "probability";
}

/**
 * How sure a candidate's answers are, from its out-of-fold predictions: calibrated probabilities of two classes,
 * intervals around numbers. The constant baseline has neither.
 */
export function fitUncertainty(
  { kind, repeats }: CandidateRows,
  given: UncertaintyChoice & { readonly problem: Problem },
): { readonly calibration: CalibrationChoice | null; readonly interval: FittedIntervals | null } {
  const { problem, calibration, level } = given;
  if (kind === "constant" || (problem.kind !== "binary" && problem.kind !== "regression"))
    return { calibration: null, interval: null };
  if (problem.kind === "binary") {
    // The calibrator becomes part of a graph of ours; one from elsewhere is served as it is.
    const wanted = kind === "external" ? "none" : calibration;
    const choice = chooseCalibrator(repeats, { wanted, scale: scoreScaleOf(kind) });
    return { calibration: choice, interval: null };
  }
  const range = problem.bounds === null ? {} : { range: problem.bounds };
  return { calibration: null, interval: fitIntervals(repeats, { level, ...range }) };
}

/** Metrics that calibration or intervals change, each on folds that they were not fitted on. */
export function uncertaintyMetrics(
  calibration: CalibrationChoice | null,
  interval: FittedIntervals | null,
): MetricSet {
  const [calibrated] = calibration?.trials ?? [];
  const [intervals] = interval?.trials ?? [];
  return {
    ...(calibrated === undefined ? {} : { logLoss: calibrated.logLoss, brier: calibrated.brier }),
    ...(intervals === undefined
      ? {}
      : { intervalCoverage: intervals.coverage, intervalWidth: intervals.meanWidth }),
  };
}
