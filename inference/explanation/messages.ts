import type { PostTransform } from "../../numerics/model.ts";

/** What the explanation thread is asked; each request is answered once, with its `id`. */
export type ToExplanationThread =
  | {
      readonly type: "load";
      readonly id: number;
      readonly key: string;
      /** An explanation document; verified by the parent. */
      readonly bytes: Uint8Array;
      readonly nFeatures: number;
    }
  | {
      readonly type: "explain";
      readonly id: number;
      readonly key: string;
      /** Row-major (nRows × nFeatures), NaN = missing. */
      readonly rows: Float64Array;
      readonly nRows: number;
    }
  | { readonly type: "drop"; readonly id: number; readonly key: string };

export type FromExplanationThread =
  | { readonly type: "done"; readonly id: number; readonly explained?: ExplainedRows }
  | { readonly type: "failed"; readonly id: number; readonly message: string };

/** Contributions of some rows; those of a row and output and its expected score sum to its raw score. */
export interface ExplainedRows {
  readonly nFeatures: number;
  readonly nOutputs: number;
  /** Float64Array (nOutputs). */
  readonly expected: Float64Array;
  /** Row-major (nRows × nOutputs). */
  readonly rawScores: Float64Array;
  /** Row-major (nRows × nOutputs × nFeatures). */
  readonly contributions: Float64Array;
  readonly postTransform: PostTransform;
  /** An isotonic curve follows the post transform. */
  readonly isCalibrated: boolean;
}
