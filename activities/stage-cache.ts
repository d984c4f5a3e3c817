import { hashOf } from "../schemas/canonical-json.ts";
import type { DatasetStore } from "../stores/postgres/port.ts";

/**
 * A step whose result is a function of its inputs: computed once, then reused by any run. The key covers the step, its
 * version (raised when the code would give another result) and all inputs; results are references.
 */
export interface CachedStep {
  readonly stage: string;
  readonly version: number;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export async function reuseOr<T extends object>(
  datasets: DatasetStore,
  step: CachedStep,
  compute: () => Promise<T>,
): Promise<T & { readonly isReused: boolean }> {
  const key = hashOf({ stage: step.stage, version: step.version, inputs: step.inputs });
  const known = await datasets.cachedStage(key);
  if (known !== undefined && known !== null) return { ...(known as T), isReused: true };
  const fresh = await compute();
  // First writer wins: two runs that computed the same step at once agree on one result.
  const stored = await datasets.rememberStage(key, step.stage, fresh);
  return { ...(stored as T), isReused: false };
}
