import { checkOnnx } from "../numerics/onnx/inspection/inspect.ts";
import { ModelRefusedError } from "../numerics/onnx/inspection/model-refused-error.ts";
import { sha256Hex } from "../schemas/canonical-json.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ServedModel } from "./served-model.ts";

/**
 * Checks the bytes of a model before any native code sees them: their hash, then the static rules of the
 * served ONNX subset. Hash, check and load use one buffer, so nothing can be swapped in between.
 *
 * @throws {PlatformError} integrity when the hash differs; model_refused when the graph breaks a rule
 */
export function checkModelBytes(model: ServedModel): void {
  const found = sha256Hex(model.bytes);
  if (found !== model.sha256) {
    throw new PlatformError(
      "integrity",
      `load model [${model.key}]: expected sha256 ${model.sha256}, got ${found}`,
    );
  }
  try {
    checkOnnx(model.bytes);
  } catch (error) {
    if (!(error instanceof ModelRefusedError)) throw error;
    throw new PlatformError("model_refused", `load model [${model.key}]: ${error.reason}`, { cause: error });
  }
}
