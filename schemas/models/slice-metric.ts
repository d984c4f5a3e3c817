import type { Slice } from "./model-version.ts";

/** What slices of remaining lives are told apart by where the deciding metric counts rows that are in no slice. */
const SLICE_METRIC = "rmse";

/** The metric that slices are compared by: the deciding one where they have it. */
export function sliceMetricOf(primaryMetric: string, slices: readonly Pick<Slice, "metrics">[]): string {
  const has = (metric: string) => slices.some(({ metrics }) => metrics[metric] !== undefined);
  return has(primaryMetric) || !has(SLICE_METRIC) ? primaryMetric : SLICE_METRIC;
}
