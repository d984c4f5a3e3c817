import type { Matrix } from "../../numerics/matrix.ts";
import type { FeatureSpec } from "../../schemas/data/feature-set.ts";

/** What was at each horizon of each row, and what a naive forecast would have said; NaN = nobody knows. */
export interface ForecastColumns {
  readonly nHorizons: number;
  /** Row-major (nRows × horizons). */
  readonly values: Float64Array;
  readonly naive: Float64Array;
}

/**
 * A feature set in memory, over shared memory so that CPU threads read it without a copy.
 *
 * All its rows, or those a `RowChoice` took. Rows are in stored order (`__asset`, `__t`, `__seq`); NaN = missing, in `y`
 * unlabelled, in `yRaw` also where only the cap is known to be reached.
 */
export interface FeatureTable {
  /** Row-major (nRows × features). */
  readonly matrix: Matrix;
  readonly features: readonly FeatureSpec[];
  readonly classLabels: readonly string[] | null;
  /** Label as learnt, and before the cap; Float64Array (nRows). */
  readonly y: Float64Array;
  readonly yRaw: Float64Array;
  /** Of forecasts. */
  readonly targets?: ForecastColumns;
  /** Of rows without a label whose asset had not failed, what the label exceeds; else NaN. Float64Array (nRows). */
  readonly yLeast: Float64Array;
  /** How much each row counts in learning, as the file's column says; NaN = missing. Absent: no column says. */
  readonly weight?: Float64Array;
  readonly t: Float64Array;
  readonly seq: Float64Array;
  /** 1: last reading of its asset. */
  readonly last: Uint8Array;
  /** Asset of each row, an index into `assets`. */
  readonly assetCodes: Int32Array;
  readonly assets: readonly string[];
  /** Rows and assets of the whole set; more than are here where a sample was taken. */
  readonly ofRows: number;
  readonly ofAssets: number;
  /** Every asset that is here has all its rows. */
  readonly areAssetsWhole: boolean;
}
