import { sha256Hex } from "../schemas/canonical-json.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ServedModel } from "./served-model.ts";

/**
 * Holds the bytes of a model against their hash. Hash, inspection and loading use one buffer, so nothing can be swapped in between.
 *
 * @throws {PlatformError} integrity
 */
export function checkModelHash(model: ServedModel): void {
  const found = sha256Hex(model.bytes);
  if (found === model.sha256) return;
  throw new PlatformError(
    "integrity",
    `load model [${model.key}]: expected sha256 ${model.sha256}, got ${found}`,
  );
}
