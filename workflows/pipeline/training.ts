import type { SplitResult, FitResult } from "../../activities/features/messages.ts";
import type { IngestResult } from "../../activities/ingest/messages.ts";
import type { PipelineInput, RunPlan } from "../../activities/runs/messages.ts";
import type { SelectResult, TrainFoldInput, TrainFoldResult } from "../../activities/training/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { trainExternalFold } from "./external-training.ts";
import { inLanes } from "./lanes.ts";
import { features, training } from "../activity-proxies.ts";

/** A pipeline file may ask for 4,200 folds; with 2,000 open activities the server fails the workflow's task for ever. */
const FOLDS_IN_FLIGHT = 500;

/** What every later step is given. */
export interface Prepared {
  readonly split: Pick<SplitResult, "split" | "holdoutHash">;
  readonly fit: FitResult;
  /** Feature set of each distinct fitted state, by the state's hash. */
  readonly featureSets: Readonly<Record<string, ObjectRef>>;
  readonly rows: number;
  readonly nFeatures: number;
  readonly isReused: boolean;
}

/**
 * split → fit → transform, in this order: what is learnt from data is learnt from the training rows of each fold,
 * and each distinct fitted state is transformed once (all folds share one where nothing was learnt).
 */
export async function prepareFeatures(
  plan: RunPlan,
  input: Pick<PipelineInput, "spec">,
  given: {
    readonly ingest: Pick<IngestResult, "manifest">;
    readonly split: Pick<SplitResult, "split" | "holdoutHash">;
  },
): Promise<Prepared> {
  const { ingest, split } = given;
  const base = { runId: plan.runId, spec: input.spec, dataset: ingest.manifest };
  const fit = await features.fitFeatures({ ...base, split: split.split });
  const states = new Map([fit.final, ...fit.folds.flat()].map((ref) => [ref.sha256, ref]));
  const transformed = await Promise.all(
    [...states.values()].map((fitted) =>
      features.transformFeatures({
        ...base,
        view: fit.view,
        fitted,
        isPublished: fitted.sha256 === fit.final.sha256,
      }),
    ),
  );
  const keys = [...states.keys()];
  const final = transformed[keys.indexOf(fit.final.sha256)];
  return {
    split,
    fit,
    featureSets: Object.fromEntries(transformed.map((t, i) => [keys[i] as string, t.featureSet])),
    rows: final?.rows ?? 0,
    nFeatures: final?.features ?? 0,
    isReused: fit.isReused && transformed.every((t) => t.isReused),
  };
}

/** Every candidate (and the constant baseline) on every fold of every repeat, then the choice by the primary metric. */
export async function crossValidate(
  plan: RunPlan,
  input: Pick<PipelineInput, "spec" | "model">,
  prepared: Prepared,
): Promise<SelectResult & { readonly isReused: boolean }> {
  const names = ["baseline", ...plan.candidates.map((c) => c.name)];
  const jobs = names.flatMap((candidate) =>
    prepared.fit.folds.flatMap((folds, repeat) =>
      folds.map((fitted, fold) => ({ candidate, repeat, fold, fitted })),
    ),
  );
  const results = await inLanes(jobs, FOLDS_IN_FLIGHT, async ({ candidate, repeat, fold, fitted }) => ({
    candidate,
    repeat,
    fold,
    result: await trainFold(plan, input, {
      spec: input.spec,
      split: prepared.split.split,
      featureSet: featureSetOf(prepared, fitted),
      candidate,
      repeat,
      fold,
    }),
  }));
  const selected = await training.selectCandidate({
    runId: plan.runId,
    spec: input.spec,
    featureSet: featureSetOf(prepared, prepared.fit.final),
    folds: results,
  });
  return { ...selected, isReused: results.every((r: { result: TrainFoldResult }) => r.result.isReused) };
}

/** Task queue of a candidate whose trainer is elsewhere. */
export function taskQueueOf(plan: RunPlan, candidate: string): string | undefined {
  return plan.candidates.find(({ name }) => name === candidate)?.taskQueue;
}

function trainFold(
  plan: RunPlan,
  input: Pick<PipelineInput, "model">,
  job: Omit<TrainFoldInput, "runId">,
): Promise<TrainFoldResult> {
  const taskQueue = taskQueueOf(plan, job.candidate);
  return taskQueue === undefined
    ? training.trainFold({ ...job, runId: plan.runId })
    : trainExternalFold(plan, input, { ...job, taskQueue });
}

export function featureSetOf(prepared: Prepared, fitted: ObjectRef): ObjectRef {
  const ref = prepared.featureSets[fitted.sha256];
  if (ref === undefined) throw new Error(`no feature set for fitted state ${fitted.sha256}`);
  return ref;
}
