import { fitQuantileOffsets, moveQuantiles } from "../../numerics/forecast/quantile-offsets.ts";
import type { ForecastPairs } from "../../numerics/forecast/quantile-offsets.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { ForecastProblem } from "./problem.ts";
import type { PooledRows } from "./summarise-candidates.ts";

/** Out-of-fold metrics of a forecast, each quantile moved by what the rows of the other folds say. */
export function forecastRowMetrics(
  rows: PooledRows,
  problem: ForecastProblem,
  { isMoved, reference }: { readonly isMoved: boolean; readonly reference?: Float64Array | undefined },
): MetricSet {
  const { truth, truthRaw, fold } = rows;
  const { quantiles } = problem;
  const pairs = pairsOf(rows);
  const size = { nHorizons: problem.horizons.length, quantiles };
  const folds = [...new Set(fold)];
  // Of a single fold nothing can be moved without a look at the rows that judge.
  const isMovable = isMoved && folds.length > 1;
  const offsets = new Map(
    folds.map((own) => [own, isMovable ? fitQuantileOffsets(pairs, size, (pair) => fold[pair] !== own) : []]),
  );
  const prediction = isMovable
    ? moveQuantiles(pairs, (pair) => offsets.get(fold[pair] as number) ?? [], quantiles.length)
    : rows.prediction;
  return computeMetrics("forecast", truth, prediction, {
    truthRaw,
    quantiles,
    ...(reference === undefined || reference.length !== prediction.length ? {} : { reference }),
  });
}

/** How far each output of the served model is moved: the mean over repeats. */
export function servingOffsets(repeats: readonly PooledRows[], problem: ForecastProblem): number[] {
  const size = { nHorizons: problem.horizons.length, quantiles: problem.quantiles };
  const each = repeats.map((rows) => fitQuantileOffsets(pairsOf(rows), size));
  return (each[0] ?? []).map(
    (_, output) => each.reduce((sum, offsets) => sum + (offsets[output] as number), 0) / each.length,
  );
}

function pairsOf({ truth, prediction, horizon }: PooledRows): ForecastPairs {
  if (horizon === undefined) throw new RangeError("out-of-fold rows of a forecast must name their horizons");
  return { truth, prediction, horizon };
}
