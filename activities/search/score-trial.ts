import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import { pooledMetrics } from "../training/summarise-candidates.ts";
import type { CandidateRows, SummaryJob } from "../training/summarise-candidates.ts";

export interface ScoreTrialJob extends Pick<SummaryJob, "problem" | "costs"> {
  /** Out-of-fold rows of the folds so far. */
  readonly candidate: CandidateRows;
  /** Metrics that are asked for; all when absent. */
  readonly only?: readonly string[];
}

/** Metrics of a trial as cross-validation computes them for a candidate. */
export function scoreTrial({ candidate, only, ...job }: ScoreTrialJob, _hooks: TrainingHooks): MetricSet {
  return pooledMetrics(candidate, job, only);
}
