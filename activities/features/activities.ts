import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FeatureView } from "../../features/feature-view.ts";
import { fitView, trainingCondition } from "../../features/fit.ts";
import { learnClassLabels } from "../../features/labels/column.ts";
import { compileView } from "../../features/view.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import {
  getDocument,
  putDocument,
  readDataset,
  readFeatureSet,
  readPipeline,
} from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import { createSplitActivities } from "../split/activities.ts";
import { isReproduction, reuseOr } from "../stage-cache.ts";
import { workInputs } from "../work-inputs.ts";
import type { FitInput, FitResult, TransformInput, TransformResult } from "./messages.ts";
import { publishFeatures } from "./publish-features.ts";
import { localParts } from "./sensor-columns.ts";
import { trainingRows } from "./training-rows.ts";
import type { FoldLeftOut } from "./training-rows.ts";
import { readView, transformDataset } from "./transform-dataset.ts";

/** Raised when the same training rows would give another fitted state than before. */
const FIT_VERSION = 3;

/** Raised when the same set would be copied to PostgreSQL otherwise than before. */
const PUBLISH_VERSION = 1;

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
      const inputs = await workInputs(objects, input);
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
          try {
            const { repeats, folds, seed } = pipeline.split;
            const job = { view, sources, split, scratch, repeats, folds, seed };
            const states = await fitFolds(deps, job, beat);
            return { view: await putDocument(objects, view), ...states };
          } finally {
            await rm(scratch, { recursive: true, force: true });
          }
        }),
      );
    },

    /**
     * Features and labels under one fitted state.
     *
     * **Effects**: Parquet parts, the feature-set document and its row; labels and newest features in PostgreSQL where the
     * set is published. **Idempotency**: content and stage cache. **Heartbeat**: 1 s
     * with the shard. **Errors**: conflict. **Retry**: work.
     */
    async transformFeatures(input: TransformInput): Promise<TransformResult> {
      const { dataset, view, fitted, hasLabel = true, isPublished = true } = input;
      return withHeartbeat(async (beat) => {
        const transformed = await transformDataset(deps, { dataset, view, fitted, hasLabel }, beat);
        const isOfReplay = (await readDataset(objects, dataset)).asOf !== undefined;
        if (isPublished && !isReproduction() && !isOfReplay)
          await publishOnce(deps, view, transformed.featureSet);
        return transformed;
      });
    },
  };
}

/** Apart from the transform, whose result another run may have had from the cache without publishing it. */
async function publishOnce(deps: ActivityDeps, viewRef: ObjectRef, featureSet: ObjectRef): Promise<void> {
  const inputs = { featureSet };
  await reuseOr(deps.db.datasets, { stage: "publish", version: PUBLISH_VERSION, inputs }, async () => {
    const manifest = await readFeatureSet(deps.objects, featureSet);
    await publishFeatures(deps, { featureSet, manifest, view: await readView(deps, viewRef) });
    return { featureSet };
  });
}

interface FitJob {
  readonly view: FeatureView;
  readonly sources: Readonly<Record<string, readonly string[]>>;
  readonly split: SplitDocument;
  readonly scratch: string;
  readonly repeats: number;
  readonly folds: number;
  readonly seed: number;
}

/** One state per fold and one for the whole training side. Class codes are the same in all: predictions are pooled. */
async function fitFolds(
  deps: ActivityDeps,
  job: FitJob,
  beat: Beat,
): Promise<Pick<FitResult, "folds" | "final">> {
  const { view, sources, split, scratch, seed } = job;
  const readings = sources[view.source] ?? [];
  const rowsWithout = (left: FoldLeftOut | null) =>
    trainingRows(deps, { view, split, left, readings, scratch });
  const whole = await trainingCondition(deps.duckdb, await rowsWithout(null));
  const classLabels = await learnClassLabels(deps.duckdb, view, readings, whole);
  const fit = async (left: FoldLeftOut | null): Promise<ObjectRef> => {
    beat.signal.throwIfAborted();
    beat.report(left);
    const state = await fitView(deps.duckdb, { view, sources, rows: await rowsWithout(left), seed });
    return putDocument(deps.objects, { ...state, ...(classLabels === undefined ? {} : { classLabels }) });
  };
  const folds: ObjectRef[][] = [];
  for (let repeat = 0; repeat < job.repeats; repeat++) {
    const perFold: ObjectRef[] = [];
    for (let fold = 0; fold < job.folds; fold++) perFold.push(await fit({ repeat, fold }));
    folds.push(perFold);
  }
  return { folds, final: await fit(null) };
}
