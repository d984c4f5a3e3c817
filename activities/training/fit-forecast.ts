import type { ForecastRule } from "../../numerics/forecast/forecast-rule.ts";
import { checkQuantiles } from "../../numerics/forecast/forecast-rule.ts";
import { mergeOutputs } from "../../numerics/forecast/merge-outputs.ts";
import type { BinnedRows } from "../../numerics/gbdt/binned-rows.ts";
import { quantile } from "../../numerics/stats/quantile.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import type { ConstantModel, TrainedModel } from "../../numerics/model.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import type { Fit, FitRequest } from "./fit-candidate.ts";

/** Later values of a column, several horizons ahead. */
export interface ForecastTarget {
  readonly taskKind: "forecast";
  /** Float64Array (nRows × horizons), NaN where nobody knows. */
  readonly values: Float64Array;
  /** Ascending. */
  readonly quantiles: readonly number[];
  /** Column of the matrix with the value now, known wherever a later one is. */
  readonly anchor: number;
}

export interface ForecastRequest extends FitRequest {
  readonly target: ForecastTarget;
}

type FitOne = (request: FitRequest, onBinned: (binned: BinnedRows) => void) => Fit;

/**
 * One model of every quantile at every horizon.
 *
 * What is learnt is the change from the value now. Boosting learns each quantile by itself; a forest or linear model
 * learns one middle per horizon, and its quantiles are that middle until cross-validation moves them to where its errors
 * lie. The baseline (no candidate) is the value now with the quantiles of the changes that training rows saw.
 *
 * @param fitOne trains a regression of one output, and tells the bins it made
 * @throws {RangeError} for a horizon without a known value, and as the trainers do
 */
export function fitForecast(request: ForecastRequest, fitOne: FitOne): Fit {
  const { target, candidate, matrix: now, trainRows } = request;
  checkQuantiles(target.quantiles);
  const changes = changesOf(target, now);
  changes.forEach((values, horizon) => {
    if (knownOf(trainRows, values).length === 0)
      throw new RangeError(`horizon ${horizon + 1} must be known on at least one training row, got 0`);
  });
  const rule = ruleOf(target, now, { trainRows, nHorizons: changes.length });
  if (candidate === null) {
    const base = changes.flatMap((values) => {
      const known = Float64Array.from(knownOf(trainRows, values), (row) => values[row] as number);
      return target.quantiles.map((level) => quantile(known, level));
    });
    return { model: asForecast(constantOf(base, now.nColumns), rule), bestIteration: null };
  }
  const { quantiles } = target;
  const candidates =
    candidate.kind === "gbdt" ? quantiles.map((level) => ofQuantile(candidate, level)) : [candidate];
  const fits = changes.flatMap((values, horizon) => {
    // The quantiles of a horizon learn from the same rows, and so from the same bins.
    let bins: BinnedRows | undefined;
    return candidates.map((one, q) => {
      const iterations = request.rounds?.[horizon * candidates.length + q] ?? request.iterations;
      const own = requestOf(request, { candidate: one, values, iterations });
      return fitOne(bins === undefined ? own : { ...own, binned: bins }, (made) => (bins = made));
    });
  });
  const models = fits.map(({ model }) => model);
  const merged = mergeOutputs(models, quantiles.length / candidates.length);
  return { model: asForecast(merged, rule), ...roundsOf(fits) };
}

/** One regression, on the rows where its target is known. */
function requestOf(
  request: ForecastRequest,
  {
    candidate,
    values,
    iterations,
  }: {
    readonly candidate: Candidate;
    readonly values: Float64Array;
    readonly iterations: number | undefined;
  },
): FitRequest {
  const { matrix, categorical, featureNames, seed, earlyStopRows, trainRows, weights } = request;
  return {
    matrix,
    categorical,
    featureNames,
    seed,
    candidate,
    target: { taskKind: "regression", values },
    trainRows: knownOf(trainRows, values),
    ...(weights === undefined ? {} : { weights }),
    ...(iterations === undefined ? {} : { iterations }),
    ...(earlyStopRows === undefined ? {} : { earlyStopRows: knownOf(earlyStopRows, values) }),
  };
}

function ofQuantile(candidate: Candidate, level: number): Candidate {
  return { ...candidate, params: { ...candidate.params, objective: "quantile", quantileLevel: level } };
}

function knownOf(rows: Int32Array, values: Float64Array): Int32Array {
  return rows.filter((row) => !Number.isNaN(values[row]));
}

/** Later value − value now, of each row by horizon. */
function changesOf({ values, anchor }: ForecastTarget, { data, nRows, nColumns }: Matrix): Float64Array[] {
  const nHorizons = values.length / nRows;
  return Array.from({ length: nHorizons }, (_, horizon) =>
    Float64Array.from(
      { length: nRows },
      (_row, row) =>
        (values[row * nHorizons + horizon] as number) - (data[row * nColumns + anchor] as number),
    ),
  );
}

function ruleOf(
  { quantiles, anchor }: ForecastTarget,
  { data, nColumns }: Matrix,
  { trainRows, nHorizons }: { readonly trainRows: Int32Array; readonly nHorizons: number },
): ForecastRule {
  const known = Float64Array.from(trainRows, (row) => data[row * nColumns + anchor] as number).filter(
    (value) => !Number.isNaN(value),
  );
  const missing = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
  const offsets = Array.from({ length: nHorizons * quantiles.length }, () => 0);
  return { nQuantiles: quantiles.length, offsets, anchor: { column: anchor, missing } };
}

function constantOf(base: readonly number[], nFeatures: number): ConstantModel {
  const shape = { nFeatures, nOutputs: base.length, postTransform: "identity" } as const;
  return { kind: "constant", taskKind: "forecast", ...shape, base };
}

function asForecast(model: TrainedModel, forecast: ForecastRule): TrainedModel {
  return { ...model, taskKind: "forecast", forecast };
}

/** Far horizons and outer quantiles stop sooner than near ones and the middle: each keeps its own number. */
function roundsOf(fits: readonly Fit[]): Pick<Fit, "bestIteration" | "rounds"> {
  const rounds = fits.flatMap(({ bestIteration }) => (bestIteration === null ? [] : [bestIteration]));
  if (rounds.length === 0) return { bestIteration: null };
  return { bestIteration: rounds.reduce((sum, one) => sum + one, 0) / rounds.length, rounds };
}

/** Means of lists of equal length, place by place; none: undefined. */
export function meanOfRounds(lists: readonly (readonly number[])[]): number[] | undefined {
  const [first] = lists;
  return first?.map((_, place) => lists.reduce((sum, list) => sum + (list[place] ?? 0), 0) / lists.length);
}

/** The model with quantiles moved as cross-validation found; none: as it is. */
export function withOffsets(model: TrainedModel, offsets: readonly number[] | null): TrainedModel {
  if (offsets === null || model.forecast === undefined) return model;
  return { ...model, forecast: { ...model.forecast, offsets } };
}
