import { calibrateModel } from "../../numerics/calibration/calibrator.ts";
import { calibrateClassModel } from "../../numerics/calibration/class-calibrator.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import type { OutputCap, TrainedModel } from "../../numerics/model.ts";
import { blendModels } from "../../numerics/blend/blend-models.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { averageModels } from "../../numerics/model-average.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import { takesCensored } from "./censored.ts";
import { CheckpointSender } from "./checkpoint-sender.ts";
import type { ResumableJob } from "./checkpoint-sender.ts";
import { fitCandidate } from "./fit-candidate.ts";
import { withOffsets } from "./fit-forecast.ts";
import type { FitTarget } from "./fit-candidate.ts";
import { factsOf, joined } from "./train-one-fold.ts";
import type { ClassNames } from "./weights.ts";
import type { AnyCalibrator } from "./uncertainty.ts";

/** One candidate of the final model. */
export interface FinalPart {
  readonly candidate: Candidate | null;
  /** Boosting rounds that cross-validation found; null to use the candidate's own number. */
  readonly iterations: number | null;
  /** Of a boosted forecast instead: those of each horizon and quantile. */
  readonly rounds?: readonly number[];
  /** Share in the answer; 1 where there is one part. */
  readonly weight: number;
}

export interface FinalJob extends ClassNames, ResumableJob {
  readonly matrix: Matrix;
  /** Columns of category codes. */
  readonly categorical: readonly number[];
  readonly featureNames: readonly string[];
  readonly target: FitTarget;
  readonly trainRows: Int32Array;
  /** Rows whose target is only a lower bound, for the parts that take those. */
  readonly censoredRows: Int32Array;
  /** Uint8Array (nRows): 1 for these. */
  readonly censored?: Uint8Array;
  /** Float64Array (nRows): how much each row counts; absent where all count 1. */
  readonly weights?: Float64Array;
  /** One, or the members of a blend. */
  readonly parts: readonly FinalPart[];
  /** What each part's answer is clipped to. */
  readonly bounds: OutputCap | null;
  /** Classes: fitted on out-of-fold probabilities; becomes part of the model. */
  readonly calibrator: AnyCalibrator;
  /** Forecasts: how far out-of-fold rows say each output is off. */
  readonly offsets: readonly number[] | null;
  readonly seed: number;
}

export interface FinalOutput {
  /** All seeds and parts in one model, calibrated. */
  readonly model: TrainedModel;
  /** The constant model that stands beside it. */
  readonly baseline: TrainedModel;
}

/** Trains what was chosen on the whole training side, with the number of rounds that cross-validation found. */
export function trainFinalModels(job: FinalJob, hooks: JobHooks): FinalOutput {
  const sender = new CheckpointSender(job, hooks);
  const { matrix, categorical, featureNames, target, trainRows, seed } = job;
  const base = { matrix, categorical, featureNames, target, trainRows, ...factsOf(job) };
  const parts = job.parts.filter(({ weight }) => weight > 0);
  const models = parts.map(({ candidate, iterations, rounds }) =>
    averageModels(
      Array.from({ length: candidate?.seeds ?? 1 }, (_, i) => {
        const kept = {
          ...(iterations === null ? {} : { iterations }),
          ...(rounds === undefined ? {} : { rounds }),
        };
        const own = takesCensored(candidate) ? joined(trainRows, job.censoredRows) : trainRows;
        return fitCandidate({ ...base, ...kept, trainRows: own, candidate, seed: seed + i }, sender.hooks)
          .model;
      }),
    ),
  );
  const baseline = fitCandidate({ ...base, candidate: null, seed }, hooks).model;
  const weights = parts.map(({ weight }) => weight);
  const model = blendModels(models, weights, job.bounds ?? undefined);
  return { model: withOffsets(calibrated(model, job.calibrator), job.offsets), baseline };
}

function calibrated(model: TrainedModel, calibrator: AnyCalibrator): TrainedModel {
  return "calibration" in calibrator
    ? calibrateClassModel(model, calibrator)
    : calibrateModel(model, calibrator);
}
