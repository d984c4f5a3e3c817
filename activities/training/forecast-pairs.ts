import type { FeatureTable } from "../features/feature-table.ts";
import type { ForecastProblem } from "./problem.ts";

/**
 * Forecasts row by row and horizon by horizon: what comes an hour after a row may be known and what comes a day after it
 * not, so that a row counts as often as it has a truth. All metrics are of such pairs.
 */
export interface ForecastPairs {
  /** Place of the pair's row in the list of rows it was made of, ascending. */
  readonly place: Int32Array;
  readonly horizon: Int32Array;
  readonly truth: Float64Array;
  /** What a naive forecast would have said. */
  readonly naive: Float64Array;
}

/** The pairs of some rows of a table that have a truth. */
export function forecastPairs({ targets }: Pick<FeatureTable, "targets">, rows: Int32Array): ForecastPairs {
  if (targets === undefined) throw new RangeError("the feature set must have the targets of a forecast");
  const { nHorizons, values, naive } = targets;
  const known: { place: number; horizon: number; cell: number }[] = [];
  for (const [place, row] of rows.entries()) {
    for (let horizon = 0; horizon < nHorizons; horizon++) {
      const cell = row * nHorizons + horizon;
      if (!Number.isNaN(values[cell])) known.push({ place, horizon, cell });
    }
  }
  return {
    place: Int32Array.from(known, (one) => one.place),
    horizon: Int32Array.from(known, (one) => one.horizon),
    truth: Float64Array.from(known, (one) => values[one.cell] as number),
    naive: Float64Array.from(known, (one) => naive[one.cell] as number),
  };
}

/**
 * The answers of each pair, row-major (pairs × quantiles).
 *
 * @param answers row-major (rows × horizons · quantiles)
 */
export function answersOfPairs(
  { place, horizon }: Pick<ForecastPairs, "place" | "horizon">,
  answers: Float64Array,
  { horizons, quantiles }: ForecastProblem,
): Float64Array {
  const nQuantiles = quantiles.length;
  const nOutputs = horizons.length * nQuantiles;
  const out = new Float64Array(place.length * nQuantiles);
  for (let pair = 0; pair < place.length; pair++) {
    const from = (place[pair] as number) * nOutputs + (horizon[pair] as number) * nQuantiles;
    out.set(answers.subarray(from, from + nQuantiles), pair * nQuantiles);
  }
  return out;
}
