import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fitView } from "../../features/fit.ts";
import { compileView } from "../../features/view.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { splitDocumentSchema } from "../../schemas/split.ts";
import { getDocument, putDocument, readDataset, readPipeline } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { createSplitActivities } from "../split/activities.ts";
import { reuseOr } from "../stage-cache.ts";
import type { FitInput, FitResult, TransformInput, TransformResult } from "./messages.ts";
import { localParts } from "./sensor-columns.ts";
import { trainingRows } from "./training-rows.ts";
import type { FoldLeftOut } from "./training-rows.ts";
import { transformDataset } from "./transform-dataset.ts";

/** Raised when the same training rows would give another fitted state than before. */
const FIT_VERSION = 1;

/** split → fit → transform. */
export function createFeatureActivities(deps: ActivityDeps) {
  const { objects, db } = deps;
  return {
    ...createSplitActivities(deps),

    /**
     * Resolves the view and learns its fitted state from the training rows of every fold, and of the whole training side.
     *
     * **Effects**: view and fitted-state documents. **Idempotency**: content and stage cache. **Heartbeat**: 1 s with the
     * fold. **Errors**: invalid_pipeline. **Retry**: work.
     */
    async fitFeatures(input: FitInput): Promise<FitResult> {
      const { runId: _, ...inputs } = input;
      return reuseOr(db.datasets, { stage: "fit", version: FIT_VERSION, inputs }, () =>
        withHeartbeat(async (beat) => {
          const pipeline = await readPipeline(objects, input.spec);
          const dataset = await readDataset(objects, input.dataset);
          const split = await getDocument(objects, input.split, splitDocumentSchema);
          const view = compileView(pipeline, dataset);
          const sources: Record<string, string[]> = {};
          for (const [name, source] of Object.entries(dataset.sources))
            sources[name] = await localParts(deps, source);
          const scratch = await mkdtemp(join(deps.scratchDir, "fit-"));
          const fit = async (left: FoldLeftOut | null): Promise<ObjectRef> => {
            beat.signal.throwIfAborted();
            beat.report(left);
            const rows = await trainingRows(deps, {
              view,
              split,
              left,
              readings: sources[view.source] ?? [],
              scratch,
            });
            return putDocument(
              objects,
              await fitView(deps.duckdb, { view, sources, rows, seed: pipeline.split.seed }),
            );
          };
          const folds: ObjectRef[][] = [];
          for (let repeat = 0; repeat < pipeline.split.repeats; repeat++) {
            const perFold: ObjectRef[] = [];
            for (let fold = 0; fold < pipeline.split.folds; fold++) perFold.push(await fit({ repeat, fold }));
            folds.push(perFold);
          }
          const final = await fit(null);
          await rm(scratch, { recursive: true, force: true });
          return { view: await putDocument(objects, view), folds, final };
        }),
      );
    },

    /**
     * Features and labels under one fitted state.
     *
     * **Effects**: Parquet parts and the feature-set document. **Idempotency**: content and stage cache. **Heartbeat**: 1 s
     * with the shard. **Errors**: conflict. **Retry**: work.
     */
    async transformFeatures(input: TransformInput): Promise<TransformResult> {
      const { dataset, view, fitted, hasLabel = true } = input;
      return withHeartbeat((beat) => transformDataset(deps, { dataset, view, fitted, hasLabel }, beat));
    },
  };
}
