import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { isCensored } from "./censored.ts";
import { rowRulesOf } from "./detection.ts";

/**
 * How much each row counts in learning, as `training.weight` says: as its column does, or so much that the rows of every
 * asset count as much as those of any other.
 *
 * @returns Float64Array (nRows), 0 for rows that are not learnt from; undefined where every row counts 1
 * @throws {PlatformError} not_enough_data for a weight that is missing, negative or not finite
 */
export function rowWeights(
  pipeline: Pipeline,
  table: Pick<FeatureTable, "y" | "yLeast" | "weight" | "assetCodes" | "assets" | "seq">,
): Float64Array | undefined {
  const { weight } = pipeline.training;
  if (weight === undefined) return undefined;
  const { isLearnt } = rowRulesOf(pipeline, table);
  const isBound = isCensored(table);
  const rows = Int32Array.from(table.y.keys()).filter((row) => isLearnt(row) || isBound(row));
  return weight === "perAsset" ? perAsset(table, rows) : ofColumn(table, rows, weight.column);
}

/** Weights that add up to the number of the rows that train, so that settings in rows and in hessian sums keep their meaning. */
export function scaleWeights(weights: Float64Array, trainRows: Int32Array): Float64Array {
  const total = trainRows.reduce((sum, row) => sum + (weights[row] as number), 0);
  // Of no weight at all the trainer says what is wrong.
  return total > 0 ? weights.map((weight) => (weight * trainRows.length) / total) : weights;
}

function perAsset(
  { assetCodes, assets }: Pick<FeatureTable, "assetCodes" | "assets">,
  rows: Int32Array,
): Float64Array {
  const sizes = new Int32Array(assets.length);
  for (const row of rows) sizes[assetCodes[row] as number] = (sizes[assetCodes[row] as number] as number) + 1;
  const weights = new Float64Array(assetCodes.length);
  for (const row of rows) weights[row] = 1 / (sizes[assetCodes[row] as number] as number);
  return weights;
}

function ofColumn(
  { weight, assetCodes, assets, seq }: Pick<FeatureTable, "weight" | "assetCodes" | "assets" | "seq">,
  rows: Int32Array,
  column: string,
): Float64Array {
  if (weight === undefined)
    throw new PlatformError("integrity", `weigh the rows: the feature set lacks ${column}`);
  const weights = new Float64Array(weight.length);
  for (const row of rows) {
    const value = weight[row] as number;
    if (!Number.isFinite(value) || value < 0) {
      const found = Number.isNaN(value) ? "none" : String(value);
      throw new PlatformError(
        "not_enough_data",
        `weigh the rows by ${column} [reading ${String(seq[row])} of ${assets[assetCodes[row] as number] ?? ""}]: expected a number of 0 or more, got ${found}`,
      );
    }
    weights[row] = value;
  }
  return weights;
}
