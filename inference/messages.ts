/**
 * What the pool and one inference child say to each other, over Node's IPC with `advanced` serialization:
 * typed arrays travel as bytes, never as JSON.
 *
 * A child handles one message at a time and answers each but `drop` with exactly one reply that carries
 * its `id`; `memory` is sent by itself once a second.
 */
export type ToChild =
  | {
      readonly type: "load";
      readonly id: number;
      readonly key: string;
      /** ONNX bytes that the parent hashed and checked. */
      readonly bytes: Uint8Array;
      readonly nFeatures: number;
      readonly outputName: string;
    }
  | {
      readonly type: "run";
      readonly id: number;
      readonly key: string;
      /** Row-major (nRows × nFeatures), NaN = missing. */
      readonly rows: Float64Array;
      readonly nRows: number;
    }
  | { readonly type: "drop"; readonly key: string };

export type FromChild =
  | { readonly type: "loaded"; readonly id: number }
  | {
      readonly type: "ran";
      readonly id: number;
      /** Row-major (nRows × nOutputs). */
      readonly values: Float64Array;
      readonly nOutputs: number;
    }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  | { readonly type: "memory"; readonly rssBytes: number };
