/**
 * What the pool and one inference child say to each other beside the runs (run-frames.ts), over Node's IPC with
 * `advanced` serialization: bytes travel as bytes, never as JSON.
 *
 * A child is asked one thing at a time, here or with a frame, and answers each but `drop` with exactly one reply
 * that carries its `id`: `loaded`, a frame, or `failed`. `memory` is sent by itself once a second.
 */
export type ToChild =
  | {
      readonly type: "load";
      readonly id: number;
      readonly key: string;
      /** ONNX bytes that the parent hashed. */
      readonly bytes: Uint8Array;
      /** Whether another child found that they keep to the served subset of ONNX. */
      readonly isInspected: boolean;
      readonly nFeatures: number;
      readonly outputName: string;
    }
  | { readonly type: "drop"; readonly key: string };

export type FromChild =
  | { readonly type: "loaded"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  | { readonly type: "memory"; readonly rssBytes: number };
