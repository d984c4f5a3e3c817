import { takeAssets } from "../features/sensor-columns.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import type { ForecastProblem } from "../training/problem.ts";

/** One asset's column around one reading: what was, what was forecast, what came. */
export interface Fan {
  readonly asset: string;
  /** Relative to the reading that was scored, in units of the farthest horizon. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  /** From the reading itself to the farthest horizon; ascending quantiles at each. */
  readonly ahead: readonly { readonly time: number; readonly quantiles: readonly number[] }[];
}

const N_FANS = 4;
/** How long the past is beside the farthest horizon. */
const PAST = 2;

export interface FanRequest {
  readonly table: FeatureTable;
  readonly rows: Int32Array;
  /** Row-major answers for `rows`. */
  readonly answers: Float64Array;
  readonly problem: ForecastProblem;
}

/**
 * Forecasts of some assets in the middle of the holdout, each at a reading whose truths are all known.
 *
 * Which assets depends on their ids alone, so that two versions are drawn on the same ones.
 */
export function fansOf(request: FanRequest): Fan[] {
  const { table, rows } = request;
  const placesOf = new Map<number, number[]>();
  for (const [place, row] of rows.entries()) {
    if (!isWhole(request, row)) continue;
    const code = table.assetCodes[row] as number;
    const own = placesOf.get(code);
    if (own === undefined) placesOf.set(code, [place]);
    else own.push(place);
  }
  const codes = [...placesOf.keys()].sort((a, b) => a - b);
  const names = codes.map((code) => table.assets[code] as string);
  const taken = takeAssets(
    names,
    names.map(() => 1),
    N_FANS,
  );
  return codes
    .filter((_, i) => taken[i] === 1)
    .map((code) => {
      const places = placesOf.get(code) ?? [];
      return fanAt(request, places[Math.floor(places.length / 2)] as number);
    });
}

function isWhole({ table: { targets } }: FanRequest, row: number): boolean {
  if (targets === undefined) return false;
  const { values, nHorizons } = targets;
  return !values.subarray(row * nHorizons, (row + 1) * nHorizons).some(Number.isNaN);
}

function fanAt({ table, rows, answers, problem }: FanRequest, place: number): Fan {
  const { spans } = problem;
  const row = rows[place] as number;
  const { t, assetCodes, assets, matrix, features } = table;
  const { data, nColumns } = matrix;
  const column = features.findIndex(({ name }) => name === problem.column);
  const nowAt = (at: number) => data[at * nColumns + column] as number;
  const unit = Math.max(...spans);
  const timeAt = (at: number) => ((t[at] as number) - (t[row] as number)) / unit;
  const isNear = (at: number) =>
    assetCodes[at] === assetCodes[row] && timeAt(at) >= -PAST && timeAt(at) <= 1 && !Number.isNaN(nowAt(at));
  // Rows of an asset stand beside each other, in time order.
  let first = row;
  while (first > 0 && assetCodes[first - 1] === assetCodes[row]) first--;
  const near: number[] = [];
  for (let at = first; at < t.length && assetCodes[at] === assetCodes[row]; at++)
    if (isNear(at)) near.push(at);
  const nQuantiles = problem.quantiles.length;
  const from = place * spans.length * nQuantiles;
  const ahead = spans.map((span, h) => ({
    time: span / unit,
    quantiles: Array.from(answers.subarray(from + h * nQuantiles, from + (h + 1) * nQuantiles)),
  }));
  const now = { time: 0, quantiles: problem.quantiles.map(() => nowAt(row)) };
  return {
    asset: assets[assetCodes[row] as number] as string,
    times: near.map(timeAt),
    values: near.map(nowAt),
    ahead: [now, ...ahead],
  };
}
