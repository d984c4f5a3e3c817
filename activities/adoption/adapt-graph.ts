import { adaptOnnx } from "../../numerics/onnx/adaptation/adapt.ts";
import type { OnnxAdaptation } from "../../numerics/onnx/adaptation/adapt.ts";
import { ModelRefusedError } from "../../numerics/onnx/inspection/model-refused-error.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";

export interface AdaptJob extends OnnxAdaptation {
  readonly bytes: Uint8Array;
}

/** The graph, or why it is refused: an error loses its class on the way out of a thread. */
export type AdaptOutput = { readonly onnx: Uint8Array } | { readonly refused: string };

/** Checks a graph from elsewhere and brings it into the served form. */
export function adaptGraph({ bytes, ...adaptation }: AdaptJob, _hooks: TrainingHooks): AdaptOutput {
  try {
    return { onnx: adaptOnnx(bytes, adaptation) };
  } catch (error) {
    if (error instanceof ModelRefusedError) return { refused: error.reason };
    throw error;
  }
}
