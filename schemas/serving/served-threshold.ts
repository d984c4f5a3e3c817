import type { Signature } from "../models/model-version.ts";

/** The signature as it decides now: with the threshold that people set since the version was trained, where they did. */
export function withThreshold(signature: Signature, threshold: number | undefined): Signature {
  return threshold === undefined ? signature : { ...signature, output: { ...signature.output, threshold } };
}
