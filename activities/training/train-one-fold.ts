import { selectRows } from "../../numerics/matrix.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { predict } from "../../numerics/model.ts";
import type { OutputCap } from "../../numerics/model.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { averageModels } from "../../numerics/model-average.ts";
import type { JobHooks } from "../cpu/jobs.ts";
import { takesCensored } from "./censored.ts";
import { CheckpointSender } from "./checkpoint-sender.ts";
import type { ResumableJob } from "./checkpoint-sender.ts";
import { fitCandidate } from "./fit-candidate.ts";
import type { Fit, FitRequest, FitTarget } from "./fit-candidate.ts";
import { meanOfRounds } from "./fit-forecast.ts";
import type { FoldRows } from "./fold-rows.ts";
import type { ClassNames } from "./weights.ts";

export interface FoldJob extends ClassNames, ResumableJob {
  readonly matrix: Matrix;
  /** Columns of category codes. */
  readonly categorical: readonly number[];
  readonly featureNames: readonly string[];
  readonly target: FitTarget;
  /** Uint8Array (nRows): 1 where the target is only a lower bound. */
  readonly censored?: Uint8Array;
  /** Float64Array (nRows): how much each row counts; absent where all count 1. */
  readonly weights?: Float64Array;
  readonly rows: FoldRows;
  /** null: the constant baseline. */
  readonly candidate: Candidate | null;
  readonly seed: number;
  readonly bounds: OutputCap | null;
}

export interface FoldOutput {
  /** Row-major (validation rows × outputs). */
  readonly predictions: Float64Array;
  /** Of the fold's censored rows; Float64Array (rows.censored.validate). */
  readonly censoredPredictions: Float64Array;
  /** Mean rounds kept by early stopping over the seeds; null where nothing is boosted. */
  readonly bestIteration: number | null;
  /** Of a forecast that is boosted: the same of each horizon and quantile. */
  readonly rounds?: readonly number[];
}

/** Trains one candidate on one fold, all its seeds, and predicts the fold's validation rows. */
export function trainOneFold(job: FoldJob, hooks: JobHooks): FoldOutput {
  const sender = new CheckpointSender(job, hooks);
  return fitFold(job, (request) => fitCandidate(request, sender.hooks));
}

/**
 * The fold of cross-validation and of a trial alike: their figures are of the same trainings.
 *
 * @param fit trains one of the candidate's seeds
 */
export function fitFold(job: FoldJob, fit: (request: FitRequest, seedPlace: number) => Fit): FoldOutput {
  const { matrix, categorical, featureNames, target, rows, candidate, bounds } = job;
  const { train, earlyStop } = sidesOf(rows, candidate);
  const base = { matrix, categorical, featureNames, target, ...factsOf(job), candidate };
  const fits = Array.from({ length: candidate?.seeds ?? 1 }, (_, i) =>
    fit({ ...base, trainRows: train, earlyStopRows: earlyStop, seed: job.seed + i }, i),
  );
  const model = averageModels(fits.map((one) => one.model));
  const answer = (chosen: Int32Array) =>
    predict(model, selectRows(matrix, chosen), bounds ?? undefined).values;
  const iterations = fits.flatMap((one) => (one.bestIteration === null ? [] : [one.bestIteration]));
  const bestIteration =
    iterations.length === 0 ? null : iterations.reduce((sum, n) => sum + n, 0) / iterations.length;
  const rounds = meanOfRounds(fits.flatMap((one) => (one.rounds === undefined ? [] : [one.rounds])));
  return {
    predictions: answer(rows.validate),
    censoredPredictions: answer(rows.censored.validate),
    bestIteration,
    ...(rounds === undefined ? {} : { rounds }),
  };
}

type Facts = Pick<FitRequest, "censored" | "weights" | "classLabels">;

/** What is known of rows and classes beside the target. */
export function factsOf({ censored, weights, classLabels }: Facts): Facts {
  return {
    ...(censored === undefined ? {} : { censored }),
    ...(weights === undefined ? {} : { weights }),
    ...(classLabels === undefined ? {} : { classLabels }),
  };
}

/**
 * Rows that a candidate learns from and stops by, lower bounds among them where it takes those. Rows kept apart for early
 * stopping are learnt from by whatever does not stop early.
 */
function sidesOf(rows: FoldRows, candidate: Candidate | null): Pick<FoldRows, "train" | "earlyStop"> {
  const { train, earlyStop } = withCensored(rows, candidate);
  if (candidate?.kind === "gbdt" && candidate.params["earlyStoppingRounds"] !== 0)
    return { train, earlyStop };
  const all = joined(train, earlyStop);
  return { train: all, earlyStop: new Int32Array() };
}

/** The rows to learn from and to stop by, with those of lower bounds for a candidate that takes them. */
function withCensored(
  { train, earlyStop, censored }: FoldRows,
  candidate: Candidate | null,
): Pick<FoldRows, "train" | "earlyStop"> {
  if (!takesCensored(candidate)) return { train, earlyStop };
  return {
    train: joined(train, censored.train),
    earlyStop: joined(earlyStop, censored.earlyStop),
  };
}

export function joined(a: Int32Array, b: Int32Array): Int32Array {
  if (b.length === 0) return a;
  const all = new Int32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all.sort();
}
