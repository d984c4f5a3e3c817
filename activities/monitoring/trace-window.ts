import type { PredictionStore, PredictionWindow } from "../../stores/postgres/port.ts";
import { listAt, MOST_ROWS, readTraced } from "./traced-rows.ts";
import type { TraceStores } from "./traced-rows.ts";

/** Traced predictions of one version in a window: what it was asked and what it answered. */
export interface TraceWindow {
  readonly nRows: number;
  /** Row-major (nRows × nFeatures), NaN = missing. */
  readonly features: Float64Array;
  readonly nFeatures: number;
  /** Row-major (nRows × nOutputs). */
  readonly outputs: Float64Array;
  readonly nOutputs: number;
  /** Asset id per row; rows without one stand for themselves. */
  readonly assets: readonly string[];
}

/** Numbers beyond this are not held: of wide rows there are fewer. 160 MB, and once more in the thread that compares. */
const MOST_CELLS = 20_000_000;

/** Rows of a window that are read at most, by how many numbers a row has. */
export function mostRows(nColumns: number): number {
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_CELLS / Math.max(1, nColumns))));
}

/**
 * Reads what was asked and answered in a window, in order of time. Of more than `limit` rows an even sample over the whole
 * window is read, the same one each time: what changed in its last hour is seen as well as what changed in its first.
 *
 * Rows that are not shipped yet are left out; rows that are in two segments (one was recovered after a crash) count once.
 */
export async function readTraceWindow(
  stores: TraceStores & { readonly predictions: Pick<PredictionStore, "ofVersion"> },
  window: PredictionWindow,
  limit: number,
): Promise<TraceWindow> {
  const { rows } = await stores.predictions.ofVersion(window, limit);
  const asked: Float64Array[] = [];
  const answered: Float64Array[] = [];
  const isRead = await readTraced(stores, rows, (table, row, place) => {
    asked[place] = listAt(table, "features", row);
    answered[place] = listAt(table, "outputs", row);
  });
  const places = [...rows.keys()].filter((place) => isRead[place]);
  const features = tableOf(asked, places);
  const outputs = tableOf(answered, places);
  return {
    nRows: places.length,
    features: features.values,
    nFeatures: features.width,
    outputs: outputs.values,
    nOutputs: outputs.width,
    assets: places.map((place) => rows[place]?.asset ?? `\u0000${rows[place]?.predictionId}`),
  };
}

/** @returns row-major; all rows are as wide as the first */
function tableOf(
  lists: readonly Float64Array[],
  places: readonly number[],
): { readonly values: Float64Array; readonly width: number } {
  const width = lists[places[0] ?? 0]?.length ?? 0;
  const values = new Float64Array(places.length * width);
  places.forEach((place, row) => values.set(lists[place] ?? [], row * width));
  return { values, width };
}
