import type { FeatureSpec } from "../../schemas/data/feature-set.ts";

/** Columns of category codes. */
export function categoricalColumns(features: readonly FeatureSpec[]): number[] {
  return features.flatMap((feature, column) => (feature.kind === "category" ? [column] : []));
}
