import { medianIndex } from "./forecast-rule.ts";

/** Answers to pairs of row and horizon that were not learnt from. */
export interface ForecastPairs {
  readonly truth: ArrayLike<number>;
  /** Row-major (pairs × quantiles), ascending within a pair. */
  readonly prediction: ArrayLike<number>;
  /** Index of each pair's horizon. */
  readonly horizon: ArrayLike<number>;
}

/** With fewer pairs the ends of their errors say little: nothing is moved. */
const LEAST_PAIRS = 20;

/**
 * How far each quantile of each horizon must be moved, so that as many truths lie below it as its level says.
 *
 *   offset_hq = the q-quantile of truth − answer_hq over the pairs of horizon h
 *
 * Conformalised quantile regression, each end by itself: on rows exchangeable with these, a truth lies below the moved
 * quantile with probability q. The rank is rounded away from the middle, which is what keeps the promise for few rows.
 *
 * @param isUsed  which pairs count
 * @returns row-major (horizons × quantiles); 0 where a horizon has fewer than 20 pairs
 *
 * Cost: a sort per horizon and quantile. Source: Romano, Patterson & Candès 2019 (arXiv:1905.03222), theorem 2.
 */
export function fitQuantileOffsets(
  pairs: ForecastPairs,
  { nHorizons, quantiles }: { readonly nHorizons: number; readonly quantiles: readonly number[] },
  isUsed: (pair: number) => boolean = () => true,
): number[] {
  const nQuantiles = quantiles.length;
  const byHorizon = Array.from({ length: nHorizons }, (): number[] => []);
  for (let pair = 0; pair < pairs.truth.length; pair++) {
    if (isUsed(pair)) byHorizon[pairs.horizon[pair]].push(pair);
  }
  const middle = medianIndex(quantiles);
  return byHorizon.flatMap((own) =>
    quantiles.map((level, q) => {
      if (own.length < LEAST_PAIRS) return 0;
      const errors = Float64Array.from(
        own,
        (pair) => pairs.truth[pair] - pairs.prediction[pair * nQuantiles + q],
      ).sort();
      const place = level * (own.length + 1);
      const rank = q === middle ? Math.round(place) : level < 0.5 ? Math.floor(place) : Math.ceil(place);
      return errors[Math.min(own.length, Math.max(1, rank)) - 1];
    }),
  );
}

/** The answers moved by offsets, sorted within each pair; a new array. */
export function moveQuantiles(
  { prediction, horizon }: Pick<ForecastPairs, "prediction" | "horizon">,
  offsetsOf: (pair: number) => readonly number[],
  nQuantiles: number,
): Float64Array {
  const moved = Float64Array.from(prediction);
  for (let pair = 0; pair * nQuantiles < moved.length; pair++) {
    const own = moved.subarray(pair * nQuantiles, (pair + 1) * nQuantiles);
    const offsets = offsetsOf(pair);
    for (let q = 0; q < nQuantiles; q++) own[q] += offsets[horizon[pair] * nQuantiles + q];
    own.sort();
  }
  return moved;
}
