import { activityInfo } from "@temporalio/activity";
import { hashOf } from "../schemas/canonical-json.ts";
import { REPRODUCE_PREFIX } from "../temporal-config/constants.ts";
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

/**
 * Whether the present activity works for a reproduction: it neither takes from the cache nor gives to it, and must not
 * change what runs and people see.
 */
export function isReproduction(): boolean {
  return activityInfo().workflowExecution?.workflowId.startsWith(REPRODUCE_PREFIX) === true;
}

/**
 * The known result, or a new one.
 *
 * `isReused` says that another run made it: a retry that finds what its own run computed before a crash tells of it as
 * of fresh work.
 */
export async function reuseOr<T extends object>(
  datasets: Pick<DatasetStore, "cachedStage" | "rememberStage">,
  { stage, version, inputs }: CachedStep,
  compute: () => Promise<T>,
): Promise<T & { readonly isReused: boolean }> {
  if (isReproduction()) return { ...(await compute()), isReused: false };
  const key = hashOf({ stage, version, inputs });
  const runId = activityInfo().workflowExecution?.runId ?? null;
  const known = await datasets.cachedStage(key);
  if (known !== undefined && known.result !== null) {
    return { ...(known.result as T), isReused: known.runId === null || known.runId !== runId };
  }
  const fresh = await compute();
  // First writer wins: two runs that computed the same step at once agree on one result.
  const stored = await datasets.rememberStage({ key, stage, runId, result: fresh });
  return { ...(stored as T), isReused: false };
}
