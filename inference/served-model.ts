/** Rows with the answers the trainer gave for them; a loaded model must give the same (1e-5 · max(1, |y|)). */
export interface GoldenVectors {
  readonly nRows: number;
  /** Row-major (nRows × nFeatures), NaN = missing. */
  readonly rows: Float64Array;
  /** Row-major (nRows × nOutputs); empty for a model whose answers nobody knows yet, which is then held to itself. */
  readonly outputs: Float64Array;
}

/** One model version as the pool is given it. */
export interface ServedModel {
  /** Version digest: what `predict` names. */
  readonly key: string;
  /** The ONNX file. The pool hashes, checks and loads this same buffer; the caller must not change it. */
  readonly bytes: Uint8Array;
  /** Lower-case hex SHA-256 that `bytes` must have. */
  readonly sha256: string;
  readonly nFeatures: number;
  /** Name of the double output tensor [N, m]. */
  readonly outputName: string;
  readonly golden: GoldenVectors;
}

/** Answer of one request: row-major (nRows × nOutputs), every value finite. */
export interface ModelOutput {
  readonly values: Float64Array;
  readonly nOutputs: number;
}

/**
 * Largest relative difference between the answers of a loaded model and its golden vectors.
 *
 * worst = max |got − expected| / max(1, |expected|); a NaN on either side counts as Infinity.
 */
export function goldenDifference(expected: Float64Array, got: Float64Array): number {
  if (expected.length !== got.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i] ?? NaN;
    const difference = Math.abs((got[i] ?? NaN) - want) / Math.max(1, Math.abs(want));
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }
  return worst;
}

/** Tolerance of `goldenDifference` for a model to be served (threats M8). */
export const GOLDEN_TOLERANCE = 1e-5;
