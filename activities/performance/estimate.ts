import { estimateErrors } from "../../numerics/performance/error-model.ts";
import type { ErrorModel, Estimate } from "../../numerics/performance/error-model.ts";
import { estimateClasses } from "../../numerics/performance/estimate-classes.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";

/** Answers whose truth nobody knows. */
export type EstimateJob = {
  readonly answers: Float64Array;
  readonly groups: Int32Array;
  readonly seed: number;
} & (
  | { readonly kind: "errors"; readonly model: ErrorModel }
  | {
      readonly kind: "classes";
      readonly problem: "binary" | "multiclass";
      readonly nClasses: number;
      readonly threshold: number;
    }
);

/** What metrics of these answers are expected to be. */
export function estimatePerformance(job: EstimateJob, _hooks: TrainingHooks): Estimate {
  const { answers, groups, seed } = job;
  return job.kind === "errors"
    ? estimateErrors(job.model, answers, groups)
    : estimateClasses({ ...job, probability: answers }, seed);
}
