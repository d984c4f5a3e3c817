import { hashOf } from "../schemas/canonical-json.ts";
import type { ObjectRef } from "../schemas/object-ref.ts";
import type { Pipeline } from "../schemas/pipeline/pipeline.ts";
import { readPipeline } from "../stores/objects/documents.ts";
import type { ObjectStore } from "../stores/objects/port.ts";

/** Keys of a pipeline file about what becomes of a version once it is made: no stage that makes it reads them. */
const AFTERWARDS: ReadonlySet<string> = new Set([
  "gates",
  "champion",
  "approval",
  "rollout",
  "retraining",
  "performance",
  "maintenance",
] satisfies (keyof Pipeline)[]);

/**
 * What the result of a stage depends on: its inputs without the run, and of the pipeline file what the making of a version goes by.
 * A file with other stages of a rollout, or another approver, then reuses what was computed.
 */
export async function workInputs(
  objects: ObjectStore,
  input: { readonly runId: string; readonly spec: ObjectRef },
): Promise<Readonly<Record<string, unknown>>> {
  const { runId: _, spec, ...inputs } = input;
  return { ...inputs, pipeline: pipelineHash(await readPipeline(objects, spec)) };
}

/** Hash of what the making of a version goes by. */
export function pipelineHash(pipeline: Pipeline): string {
  const { reference, minRows } = pipeline.monitoring;
  const kept = Object.entries(pipeline).filter(
    ([key, value]) => value !== undefined && key !== "monitoring" && !AFTERWARDS.has(key),
  );
  // Of monitoring, what the frozen reference of drift is taken from.
  return hashOf({ ...Object.fromEntries(kept), monitoring: [reference ?? null, minRows] });
}
