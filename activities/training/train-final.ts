import type { Matrix } from "../../numerics/matrix.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { averageModels } from "../../numerics/model-average.ts";
import { fitCandidate } from "./fit-candidate.ts";

export interface FinalJob {
  readonly matrix: Matrix;
  /** Columns of category codes. */
  readonly categorical: readonly number[];
  readonly target: TaskTarget;
  readonly trainRows: Int32Array;
  readonly candidate: Candidate | null;
  /** Boosting rounds that cross-validation found; null to use the candidate's own number. */
  readonly iterations: number | null;
  readonly seed: number;
}

export interface FinalOutput {
  /** All seeds in one model. */
  readonly model: TrainedModel;
  /** The constant model that stands beside it. */
  readonly baseline: TrainedModel;
}

/** Trains the chosen candidate on the whole training side, with the number of rounds that cross-validation found. */
export function trainFinalModels(job: FinalJob, hooks: TrainingHooks): FinalOutput {
  const { matrix, categorical, target, trainRows, candidate, iterations } = job;
  const base = { matrix, categorical, target, trainRows, ...(iterations === null ? {} : { iterations }) };
  const models = Array.from(
    { length: candidate?.seeds ?? 1 },
    (_, i) => fitCandidate({ ...base, candidate, seed: job.seed + i }, hooks).model,
  );
  const baseline = fitCandidate({ ...base, candidate: null, seed: job.seed }, hooks).model;
  return { model: averageModels(models), baseline };
}
