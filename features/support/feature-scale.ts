import type { FeatureView } from "../feature-view.ts";
import { SHORTEST_STEP } from "./random-series.ts";

/**
 * Tolerance: 1e-9 of the size of what the feature is made of. Extremes are values of the window, and held to their own size. Means,
 * medians and lags are compared at the size of the values; spreads, slopes, differences at the size of the asset's
 * deviations from its first value, so that a std of 1e-3 on an offset of 1e6 has to be right to 1e-12.
 */
export function scaleOf(
  feature: FeatureView["features"][number],
  { values, expected }: { readonly values: readonly number[]; readonly expected: number },
): number {
  if (/_min_|_max_|_life_min|_life_max/.test(feature.name)) return Math.abs(expected);
  const present = values.filter((v) => Number.isFinite(v));
  const first = present[0] ?? 0;
  const deviation = Math.max(1e-12, ...present.map((v) => Math.abs(v - first)));
  // Doubles near 1e6 are 1e-10 apart, which is what any subtraction of two of them is worth.
  const resolution = Math.max(0, ...present.map((v) => Math.abs(v))) * Number.EPSILON * 1e9;
  const isSpread = /_std_|_slope_|_life_std/.test(feature.name);
  const size = Math.max(1e-12, ...present.map((v) => Math.abs(v)));
  if (!isSpread) return Math.max(size, 1);
  const perHour = 3_600_000_000 / SHORTEST_STEP;
  return Math.max(deviation, resolution * 1e-3) * (feature.name.includes("slope") ? perHour : 1);
}
