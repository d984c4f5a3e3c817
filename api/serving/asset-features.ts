import type { PredictAsset } from "../../schemas/serving/prediction.ts";
import type { ServedVersion } from "./served-version.ts";

/** Computes the input row of an asset from its recent readings, with the operators training used. */
export interface AssetFeatures {
  /** @throws {PlatformError} invalid_signature_input naming the reading and column */
  lastRow(version: ServedVersion, request: PredictAsset): AssetRow;
}

/** Features of an asset at its last reading. */
export interface AssetRow {
  /** nFeatures values, NaN = missing. */
  readonly row: Float64Array;
  /** Time of the reading: ISO 8601 in UTC, or the cycle; absent where readings have no time. */
  readonly at?: string | number;
  /** The same as the trace has it: microseconds since 1970 UTC, or the cycle. */
  readonly t?: number;
  /** Where time is a timestamp. */
  readonly readingAgeSeconds?: number;
  /** What makes the features differ from those of the asset's whole history, for people. */
  readonly warnings: readonly string[];
}
