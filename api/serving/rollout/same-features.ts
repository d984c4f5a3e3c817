import { hashOf } from "../../../schemas/canonical-json.ts";
import type { ServedVersion } from "../served-version.ts";

const known = new WeakMap<ServedVersion, string>();

/** Whether two versions see the same features, computed alike: a row of the one is then a row of the other. */
export function haveSameFeatures(a: ServedVersion, b: ServedVersion): boolean {
  return featuresOf(a) === featuresOf(b);
}

function featuresOf(version: ServedVersion): string {
  let hash = known.get(version);
  if (hash === undefined) {
    const { view, fitted, signature } = version;
    hash = hashOf({ view, fitted, inputs: signature.inputs });
    known.set(version, hash);
  }
  return hash;
}
