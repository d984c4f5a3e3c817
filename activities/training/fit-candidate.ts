import { trainIsolationForest } from "../../numerics/anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../../numerics/anomaly/pca-monitor.ts";
import { trainConstant } from "../../numerics/baseline/constant.ts";
import { trainForest } from "../../numerics/forest/trainer.ts";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import type { BinnedRows } from "../../numerics/gbdt/binned-rows.ts";
import type { Team } from "../../numerics/gbdt/threads/team.ts";
import type { GbdtHooks } from "../../numerics/gbdt/trainer.ts";
import { trainLinear } from "../../numerics/linear/trainer.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { selectColumns, spreadModel } from "../../numerics/model-columns.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";
import type { TreeCheckpoint } from "../../numerics/training-hooks.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { chosenColumns } from "./chosen-columns.ts";
import { constraintsOf } from "./constraints.ts";
import { fitForecast } from "./fit-forecast.ts";
import type { ForecastTarget } from "./fit-forecast.ts";
import { scaleWeights } from "./row-weights.ts";
import { classWeightsOf } from "./weights.ts";
import type { ClassNames } from "./weights.ts";

/** Detectors have nothing to learn but what is usual. */
export interface DetectorTarget {
  readonly taskKind: "anomaly";
}

/** What a candidate learns. */
export type FitTarget = TaskTarget | DetectorTarget | ForecastTarget;

export interface FitRequest extends ClassNames {
  readonly matrix: Matrix;
  /** Columns of category codes. */
  readonly categorical: readonly number[];
  /** By column: what a candidate's `features` choose from. */
  readonly featureNames: readonly string[];
  readonly target: FitTarget;
  /** Uint8Array (nRows): 1 where the target is only a lower bound; such rows are given to boosting alone. */
  readonly censored?: Uint8Array;
  /** Float64Array (nRows): how much each row counts; absent where all count 1. */
  readonly weights?: Float64Array;
  /** null: the constant baseline. */
  readonly candidate: Candidate | null;
  readonly trainRows: Int32Array;
  /** Rows that decide when boosting stops; absent in the final fit. */
  readonly earlyStopRows?: Int32Array;
  /** Fixed number of boosting rounds, as cross-validation found it. */
  readonly iterations?: number;
  /** Of a forecast instead: rounds of each horizon and quantile. */
  readonly rounds?: readonly number[];
  readonly seed: number;
  /** Bins of an earlier boosting on these rows and columns. */
  readonly binned?: BinnedRows;
}

/** How a training is watched, and who takes part in it. */
export interface FitHooks extends GbdtHooks {
  /** Threads for boosting, asked for where there is some; the calling one alone when absent. The model does not depend on it. */
  readonly team?: () => Team;
  /** Around each model that is trained by itself, of which a forecast has several; what it returns is taken. */
  readonly aroundModel?: (train: TrainModel) => Fit;
}

/** Trains a model, going on from where a training of it was interrupted. */
export type TrainModel = (resumeFrom?: TreeCheckpoint) => Fit;

export interface Fit {
  readonly model: TrainedModel;
  /** Rounds kept; null where nothing is boosted. */
  readonly bestIteration: number | null;
  /** Of a forecast that is boosted: rounds kept of each horizon and quantile; `bestIteration` is their mean. */
  readonly rounds?: readonly number[];
  /** Figure on the early-stopping rows after each round; absent where nothing is boosted. */
  readonly history?: readonly number[];
}

/** Rounds without a better loss after which boosting stops, unless the candidate says otherwise. */
const EARLY_STOPPING_ROUNDS = 50;

/**
 * Trains one candidate. A new kind of trainer is one case here and one word in the pipeline schema.
 *
 * @throws {RangeError} for parameters or data out of range
 * @throws {TrainingCancelledError} when the hooks say so
 */
export function fitCandidate(request: FitRequest, hooks: FitHooks): Fit {
  const { target } = request;
  if (target.taskKind === "forecast")
    return fitForecast({ ...request, target }, (one, onBinned) => fitCandidate(one, { ...hooks, onBinned }));
  const { aroundModel = (train: TrainModel) => train() } = hooks;
  return aroundModel((resumeFrom) =>
    fitChosen({ ...request, target, ...(resumeFrom === undefined ? {} : { resumeFrom }) }, hooks),
  );
}

interface ModelRequest extends FitRequest {
  readonly target: TaskTarget | DetectorTarget;
  readonly resumeFrom?: TreeCheckpoint;
}

/** The features that a candidate does not see cost it nothing, and its model takes them and looks past them. */
function fitChosen(request: ModelRequest, hooks: FitHooks): Fit {
  const { matrix, featureNames, candidate, categorical } = request;
  const columns = candidate?.features === undefined ? null : chosenColumns(featureNames, candidate.features);
  if (columns === null) return fitColumns(request, hooks);
  const fit = fitColumns(
    {
      ...request,
      matrix: selectColumns(matrix, columns),
      featureNames: columns.map((column) => featureNames[column] ?? ""),
      categorical: categorical.flatMap((column) => {
        const place = columns.indexOf(column);
        return place < 0 ? [] : [place];
      }),
    },
    hooks,
  );
  return { ...fit, model: spreadModel(fit.model, columns, matrix.nColumns) };
}

/** Of all columns that the candidate sees. */
function fitColumns(request: ModelRequest, hooks: FitHooks): Fit {
  const { matrix, target, candidate, trainRows, seed, resumeFrom } = request;
  if (target.taskKind === "anomaly") return { model: fitDetector(request, hooks), bestIteration: null };
  const weights = request.weights === undefined ? {} : { weights: scaleWeights(request.weights, trainRows) };
  const base = { matrix, target, trainRows, seed, hooks, ...weights };
  if (candidate === null)
    return { model: trainConstant({ ...base, nFeatures: matrix.nColumns }), bestIteration: null };
  const parameters = settingsOf(candidate);
  const classWeights = classWeightsOf(candidate, { ...request, target }, trainRows);
  const resume = resumeFrom === undefined ? {} : { resumeFrom };
  const input = { ...base, parameters, ...(classWeights === undefined ? {} : { classWeights }) };
  switch (candidate.kind) {
    case "gbdt":
      return boost(request, {
        ...input,
        ...resume,
        categorical: request.categorical,
        ...teamOf(hooks),
        ...(request.censored === undefined ? {} : { censored: request.censored }),
        ...constraintsOf(candidate, request),
      });
    case "forest":
      return { model: trainForest({ ...input, ...resume, ...teamOf(hooks) }), bestIteration: null };
    case "linear":
      return { model: trainLinear(input), bestIteration: null };
    case "external":
      throw new RangeError("an external candidate is trained by its own worker");
    case "blend":
      throw new RangeError("a blend is made of candidates that are trained, and not trained itself");
    case "pca_monitor":
    case "isolation_forest":
      throw new RangeError(`candidate ${candidate.kind} answers anomaly, not ${target.taskKind}`);
  }
}

/** The baseline of detectors calls nothing unusual. */
function fitDetector({ matrix, candidate, trainRows, seed }: FitRequest, hooks: GbdtHooks): TrainedModel {
  if (candidate === null) {
    const shape = { nFeatures: matrix.nColumns, nOutputs: 1, postTransform: "identity" } as const;
    return { kind: "constant", taskKind: "anomaly", ...shape, base: [0] };
  }
  const input = { matrix, trainRows, parameters: settingsOf(candidate), hooks };
  switch (candidate.kind) {
    case "pca_monitor":
      return trainPcaMonitor(input);
    case "isolation_forest":
      return trainIsolationForest({ ...input, seed });
    case "gbdt":
    case "forest":
    case "linear":
    case "blend":
    case "external":
      throw new RangeError(`candidate ${candidate.kind} needs a target, anomaly has none`);
  }
}

const teamOf = ({ team }: FitHooks) => (team === undefined ? {} : { team: team() });

function boost(request: FitRequest, input: Parameters<typeof trainGbdt>[0]): Fit {
  const { earlyStopRows, iterations, binned } = request;
  const bins = binned === undefined ? {} : { binned };
  if (iterations !== undefined || earlyStopRows === undefined || earlyStopRows.length === 0) {
    const rounds = iterations === undefined ? {} : { numIterations: Math.max(1, Math.round(iterations)) };
    return trainGbdt({
      ...input,
      ...bins,
      parameters: { ...input.parameters, ...rounds, earlyStoppingRounds: 0 },
    });
  }
  const earlyStoppingRounds = input.parameters?.earlyStoppingRounds ?? EARLY_STOPPING_ROUNDS;
  const stopping = earlyStoppingRounds === 0 ? {} : { validationRows: earlyStopRows };
  return trainGbdt({
    ...input,
    ...bins,
    ...stopping,
    parameters: { ...input.parameters, earlyStoppingRounds },
  });
}

/**
 * The settings as the trainers take them.
 *
 * @throws {RangeError} for a parameter that is neither a number nor a word
 */
export function settingsOf(candidate: Candidate): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(candidate.params).map(([name, value]) => {
      if (typeof value !== "boolean") return [name, value];
      throw new RangeError(`candidate ${candidate.kind}: ${name} must be a number or a word, got ${value}`);
    }),
  );
}
