import type { PredictAsset } from "../../schemas/prediction.ts";
import type { ServedVersion } from "./served-version.ts";

/** Computes the input row of an asset from its recent readings, with the operators training used. */
export interface AssetFeatures {
  /**
   * @returns row of the last reading (nFeatures, NaN = missing), and the reading's age where time is a timestamp
   * @throws {PlatformError} invalid_signature_input naming the reading and column
   */
  lastRow(
    version: ServedVersion,
    request: PredictAsset,
  ): { readonly row: Float64Array; readonly readingAgeSeconds?: number };
}
